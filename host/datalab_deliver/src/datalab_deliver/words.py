# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about the names that notebooks use. A function that is not listed here counts as altering its arguments."""

from __future__ import annotations

import builtins
import re

# Modules that only draw or show.
DRAWS = re.compile(
    r"^(matplotlib|pylab|seaborn|bokeh|plotly|altair|holoviews|hvplot|folium|IPython|ipywidgets|tqdm|pprint|warnings"
    r"|tabulate|missingno|wordcloud|plotnine|cufflinks|logging)(\.|$)|\.(plotting|display|vis|viz)(\.|$)"
)
# Of these, the modules that make figures.
FIGURES = re.compile(r"^(matplotlib|pylab|seaborn|plotnine)(\.|$)")
# Of their functions, those that neither draw nor depend on what was drawn: example data, colors by their name.
NO_FIGURE = re.compile(r"\.(load_dataset|cm\.\w+|get_cmap|to_rgba?|rgb2hex|to_hex|Normalize|\w+Formatter|\w+Locator)$")
# Modules whose objects draw their arguments and do not alter them.
DRAWN = re.compile(r"^(matplotlib|pylab|seaborn|plotnine|plotly|folium|altair)(\.|$)")
# Functions and methods that return such an object, or several; all others may return data.
MAKES_FIGURES = set(
    """
    figure subplots subplot axes gca gcf sca subplot2grid subplot_mosaic add_subplot add_axes add_gridspec
    make_subplots twinx twiny get_figure flatten ravel plot bar barh scatter pie imshow matshow contour contourf
    colorbar legend text annotate errorbar fill_between axhline axvline add_patch add_artist plot_surface quiver
    pcolormesh step stem boxplot violinplot relplot displot catplot lmplot jointplot pairplot clustermap heatmap
    pcolor hexbin streamplot stackplot polar fill tricontour tricontourf plot3D scatter3D contour3D
    plot_wireframe plot_trisurf bar3d add_collection add_line spy hlines vlines axvspan axhspan arrow suptitle
    set_title set_xlabel set_ylabel title xlabel ylabel scatterplot lineplot histplot kdeplot barplot countplot
    stripplot swarmplot pointplot regplot line
    """.split()
)
# Models: they do not alter the data that they are fitted to, but may keep it. PARTS_OF_MODELS are models as attributes.
FITTED = re.compile(r"^(sklearn|xgboost|lightgbm|catboost|imblearn)\.(.*\.)?([A-Z]\w*|make_pipeline|make_union)$")
COPIES = re.compile(r"(.*__)?(copy|overwrite)(_\w+)?")  # options that say whether a model works on what it is given
CALLS = {"map", "filter", "reduce", "starmap", "accumulate"}  # functions that call a function they are given
FITS = {"fit", "partial_fit", "set_params"}
GIVES_FITTED = {"fit_transform", "fit_predict", "fit_resample"}
PARTS_OF_MODELS = set(
    "best_estimator_ estimator estimator_ estimators estimators_ final_estimator_ named_estimators named_estimators_"
    " named_steps named_transformers_ steps transformers_".split()
)
# Functions and methods that make texts of objects, which depend on the display options.
MAKES_TEXTS = set("str repr ascii format print".split())
MAKES_TEXTS_OF = set("to_string to_html to_latex to_markdown format array2string array_str array_repr info".split())
MAKES_TEXTS_OF |= {"_repr_html_", "__repr__", "__str__"}
# Functions that draw from numpy's global random generator, unless they get another one or a seed.
DRAWS_NUMBERS = re.compile(
    r"^sklearn\.(cluster|covariance|datasets\.make_|decomposition|ensemble|feature_selection|gaussian_process"
    r"|metrics\.(cluster\.)?silhouette_score|preprocessing\.(QuantileTransformer|KBinsDiscretizer)"
    r"|inspection|kernel_approximation|linear_model|manifold|mixture|model_selection|multioutput|neural_network"
    r"|random_projection|semi_supervised|svm|tree|utils\.(shuffle|resample))"
    r"|^scipy\.(.*\.)?(rvs|bootstrap|permutation_test|monte_carlo_test|differential_evolution|basinhopping|dual_annealing"
    r"|random|rand|random_array|kmeans2?|svds|eigsh?)$|^(xgboost|lightgbm|catboost|umap|imblearn|hdbscan)\."
)
# Of these, functions and classes that use no random numbers.
NO_CHANCE = set(
    "LinearRegression ElasticNet Lasso Ridge DBSCAN AgglomerativeClustering GaussianNB SVR NuSVR ParameterGrid"
    " LeaveOneOut TimeSeriesSplit GroupKFold load_iris linkage fcluster".split()
)
GIVES_SEEDS = re.compile(r"seed|set_?state|set_bit_generator", re.IGNORECASE)
GENERATORS = {"random_state", "rng", "seed", "generator"}
# Methods of objects that draw random numbers: these do not alter the object, but may draw.
BY_CHANCE = {"split", "sample", "transform"}
# Objects that change when they are read or written.
BUFFERS = {"StringIO", "BytesIO", "open", "TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile"}
# Functions of numpy that write their result into an argument after the first, or after the first two.
ONE_OPERAND = set(
    "abs absolute ceil cos cosh exp exp2 expm1 fabs floor invert isfinite isinf isnan log log10 log1p log2 negative"
    " reciprocal rint sign sin sinh sqrt square tan tanh trunc".split()
)
TWO_OPERANDS = set(
    "add arctan2 divide dot equal floor_divide fmax fmin fmod greater hypot less logical_and logical_or matmul maximum"
    " minimum mod multiply power remainder subtract true_divide".split()
)
# Modules whose functions do not alter their arguments, except those in ALTERS.
PURE_MODULES = re.compile(
    r"^(numpy|pandas|scipy|sklearn|random|math|cmath|statistics|itertools|functools|operator|collections|datetime"
    r"|calendar|json|re|string|textwrap|decimal|fractions|hashlib|base64|copy|io|time|uuid|typing|dataclasses|enum|pathlib"
    r"|urllib\.parse|html|unicodedata|zlib|csv|ast|dateutil|bisect|types|skimage|statsmodels)(\.|$)"
)
# Of these, the modules whose functions return something new; those of the others may keep their arguments.
FRESH_MODULES = re.compile(
    r"^(numpy|pandas|scipy|math|cmath|statistics|datetime|calendar|json|re|string|textwrap|decimal|fractions|hashlib"
    r"|base64|time|uuid|urllib\.parse|html|unicodedata|zlib|sklearn\.metrics|sklearn\.datasets"
    r"|sklearn\.model_selection\.train_test_split)(\.|$)"
)
# Functions and methods that alter an argument.
ALTERS = set(
    "shuffle heappush heappop heapify heapreplace heappushpop insort insort_left insort_right copyto put putmask place"
    " fill_diagonal put_along_axis setattr delattr next setflags anext exec"
    " update_wrapper dump setitem delitem iadd iconcat ior iand isub imul ixor itruediv ifloordiv imod ipow ilshift"
    " irshift imatmul at readinto pack_into recv_into".split()
)
# Methods that alter their object; one that is mentioned without a call may be called later.
MUTATES = set(
    "append appendleft extend extendleft insert remove pop popleft popitem clear add update discard setdefault sort"
    " reverse rotate write writelines subtract put push __setitem__ __delitem__ __iadd__ __setattr__"
    " __delattr__".split()
)
# Types whose method copy shares the elements.
CONTAINERS = {"list", "dict", "set", "deque", "defaultdict", "OrderedDict", "Counter", "ChainMap"}
# Functions of a module that set something in it.
SETS = set(
    "set_option set_printoptions seterr set_config config_context reset_option setlocale setcontext"
    " simplefilter manual_seed use options register set_theme set_string_function getcontext"
    " seterrcall resetwarnings field_size_limit add_type set_int_max_str_digits".split()
)
# State of the process: a statement that calls or sets it stays.
PROCESS = {"os", "sys", "locale", "gc", "signal", "threading", "multiprocessing", "asyncio", "builtins", "importlib"}
PROCESS |= {"resource", "faulthandler", "socket", "mlflow", "wandb"}
# Libraries with functions that compute, and others that set something for all of them.
COMPUTING = {"torch", "tensorflow", "keras"}
SETS_COMPUTING = re.compile(
    r"\.(config|backends?|cuda|distributed|experimental|compat|summary|profiler|debugging|autograph|autograd|saved_model"
    r"|distribute|nest|mixed_precision)\.|\.(set_|enable_|disable_|clear_|manual_|use_|register|seed|init)\w*$"
)
OF_PROCESS = {"os.environ", "sys.path", "sys.modules"}
READS_PROCESS = set(
    "getenv path environ cpu_count getcwd join exists listdir basename dirname splitext abspath getsize"
    " isfile isdir version_info version platform maxsize getsizeof stdout getpid walk stat sep".split()
)

# Methods that do not alter their object and return something new.
FRESH = set(
    """
    abs add agg aggregate align all any apply applymap argmax argmin argsort asfreq assign astype at_time autocorr
    between between_time bfill bool capitalize ceil center clip combine combine_first compare contains copy corr
    corrwith count cov cummax cummin cumprod cumsum cut day_name decode diff difference div divide dot drop
    drop_duplicates droplevel dropna duplicated encode endswith eq equals ewm expanding explode extract
    extractall ffill fillna filter find findall first floor floordiv format format_map from_dict fullmatch ge
    get_group get_dummies groupby group groups groupdict gt hex idxmax idxmin index interpolate
    intersection isalpha isdecimal isdigit isdisjoint isin isna isnull isoformat isnumeric isspace issubset issuperset
    islower isupper istitle join kurt kurtosis last le len ljust lower lstrip lt mad map mask match max mean median
    melt memory_usage merge min mod mode month_name mul multiply ne ngroup ngroups nlargest normalize notna notnull
    nsmallest nth nunique pad pct_change pivot pivot_table pow prod product quantile query rank reindex
    reindex_like rename rename_axis repeat replace resample reset_index rfind rjust rolling round rpartition rsplit
    rstrip rsub sample score select_dtypes sem shift size skew slice split splitlines startswith std stack str
    strftime strip sub subtract sum swapcase swaplevel symmetric_difference timestamp title to_datetime
    to_dict to_html to_list to_numeric to_period to_records to_string to_timestamp to_markdown tolist
    total_seconds transform translate truediv truncate tz_convert tz_localize unique union unstack
    upper value_counts var where zfill item nonzero trace flatten isocalendar weekday isoweekday date
    predict predict_proba predict_log_proba decision_function score_samples inverse_transform kneighbors
    radius_neighbors decision_path get_support cdf pdf ppf sf pmf inv_cdf get_feature_names_out as_posix
    is_file is_dir exists tobytes hexdigest digest most_common elements describe info
    aic bic perplexity mahalanobis get_precision get_covariance staged_predict staged_predict_proba
    """.split()
)
# Methods that do not alter their object, but whose result may be a part of it, if only before pandas 3.
VIEWS = set(
    "conj eval head infer_objects tail to_frame xs"
    " get keys values items to_numpy reshape ravel squeeze transpose view swapaxes groupby iterrows itertuples"
    " set_index sort_values sort_index set_axis iteritems pipe get_params with_suffix with_name"
    " resolve absolute".split()
)
# Of both, those whose result reads the object when it is asked for something, so that it sees later changes.
LAZY = {"groupby", "rolling", "expanding", "ewm", "resample"}
# Methods that only show.
SHOWS = set("plot hist boxplot bar barh scatter pie area kde density hexbin show display".split())
SPARES = FRESH | VIEWS | SHOWS  # methods that do not alter their object

# Built-in functions that do not alter their arguments; results of SHARING_BUILTINS may share elements with them.
FRESH_BUILTINS = set(
    "abs all any ascii bin bool bytes callable chr complex dir divmod float format hasattr hash hex id int"
    " isinstance issubclass len oct ord pow print range repr round str sum type display help".split()
)
SHARING_BUILTINS = set(
    "dict enumerate filter frozenset iter list map max min reversed set sorted tuple zip slice super"
    " getattr object bytearray memoryview property staticmethod classmethod vars".split()
)
SHARING_BUILTINS |= {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type(Exception)) and issubclass(value, BaseException)
}
# Functions that read all of a generator before they return.
CONSUMES = set("all any dict frozenset join list max min set sorted sum tuple".split())
# Decorators without state between calls.
STATELESS = set(
    "staticmethod classmethod property setter getter deleter wraps contextmanager abstractmethod overload override"
    " final njit jit vectorize guvectorize".split()
)
# Functions whose result can be read only once.
ONE_SHOT = {"iter", "map", "filter", "zip", "enumerate", "reversed", "open", "reader", "DictReader", "chain", "islice"}
ONE_SHOT |= {"product", "permutations", "combinations", "cycle", "finditer", "scandir", "iglob", "iterrows"}
ONE_SHOT |= {"itertuples", "rglob", "iterdir", "starmap", "takewhile", "dropwhile", "tee"}
# pandas makes labels of these arguments, so they are no part of its result.
LABELS = {"columns", "index", "names"}
# Functions of libraries whose result may share memory with an argument.
SHARING = set(
    "asarray asanyarray ascontiguousarray ravel reshape squeeze transpose atleast_1d atleast_2d broadcast_to"
    " moveaxis swapaxes expand_dims flip fliplr flipud rot90 split array_split hsplit vsplit dsplit nditer copy einsum"
    " real imag diagonal frombuffer as_strided sliding_window_view require rollaxis atleast_3d masked_array"
    " masked_where masked_invalid masked_equal getdata asmatrix broadcast_arrays asarray_chkfinite trim_zeros".split()
) | {"ndenumerate", "poly1d", "cKDTree"}

# Functions that read or write files.
READS_FILES = re.compile(
    r"^(read_\w+|open|load|loads?txt|genfromtxt|Path|connect|glob|rglob|iterdir|listdir|reader"
    r"|load_\w+|fetch_\w+|scan_\w+|open_\w+|read|read_text|read_bytes|ZipFile|exists|is_file|getsize|File|walk"
    r"|ExcelFile|HDFStore|ParquetFile|ParquetDataset|imread|fromfile|memmap|loadmat)$"
)
WRITES_FILES = re.compile(
    r"^(to_(csv|excel|parquet|json|pickle|hdf|sql|feather|stata|xml|latex)|save|savez|savetxt|dump"
    r"|savefig|write|writelines|writerows?|write_text|write_bytes|makedirs|mkdir|remove|unlink"
    r"|rmtree|rename|copyfile|copy2|touch|urlretrieve|extractall|savez_compressed|to_file|tofile"
    r"|rmdir|write_image|write_html)$"
)
# Of these, those whose argument is the content, and not the path.
WRITES_CONTENT = {"write", "writelines", "writerow", "writerows", "write_text", "write_bytes", "dump"}
# Methods that read no file, even if their argument is a path.
LEAVES_FILES = (FRESH | MUTATES | SHOWS) - {"predict", "predict_proba", "transform", "extract", "put", "push"}
# Options of functions that read: those of NAMES_A_PLACE may name a path, those of NAMES_NO_PLACE never do.
NAMES_A_PLACE = re.compile(r"path|ur[il]|file|src|source|origin|dsn|con|data|address|location|input|dir|root|endpoint")
NAMES_NO_PLACE = {"namespaces", "storage_options", "headers", "na_values", "sep", "delimiter", "converters"}

# Functions that return a different value at another time.
CLOCK = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime", "uuid1", "uuid4", "urandom", "token_hex"}
CLOCK_OF = {"datetime", "date", "Timestamp", "time", "uuid", "os", "secrets", "pd", "dt"}
# Functions that accept "now" and "today".
MAKES_TIMES = {"Timestamp", "to_datetime", "DatetimeIndex", "datetime64", "Period"}
# Names that reach into the interpreter.
INTERPRETER = {"globals", "locals", "exec", "input", "get_ipython", "compile", "__file__", "breakpoint"}
# Names that depend on when Python deletes an object, and on which classes exist.
LIFETIMES = {"__del__", "weakref", "__subclasses__", "getrefcount", "get_referrers"}
NETWORK = re.compile(
    r"^(requests|httpx|aiohttp|urllib\.request|urllib3|boto3|botocore|ftplib|paramiko|socket|awswrangler|pyathena|s3fs"
    r"|gcsfs|adlfs|psycopg2?|pymysql|pyodbc|snowflake|pymongo|redis)(\.|$)"
)

# Methods whose result begins as their object does, and functions whose result begins as their first argument does.
LIKE_OBJECT = set(
    "strip rstrip lstrip lower replace removesuffix resolve absolute expanduser as_posix with_suffix with_name"
    " copy keys values items glob rglob iterdir".split()
)
LIKE_ARGUMENTS = set(
    "str Path PosixPath PurePath PurePosixPath fspath abspath normpath realpath expanduser expandvars URL make_url"
    " list sorted tuple set frozenset dict zip enumerate reversed iter chain from_iterable".split()
)
# Functions and methods that return an element of their object or argument, or the default for a missing one.
GIVE_ELEMENTS = {"get", "pop", "next", "choice", "getenv", "setdefault"}
ADD_ELEMENTS = {"append", "extend", "insert", "add", "update", "setdefault"}

# Attributes and methods that only tables and columns have.
OF_TABLES = set(
    """
    loc iloc at iat columns dtypes groupby dropna fillna merge head tail describe iterrows itertuples query drop assign
    reset_index set_index sort_values sort_index value_counts isna isnull notna notnull drop_duplicates duplicated
    to_csv pivot_table pivot melt apply applymap nunique unique explode astype rename sample nlargest nsmallest to_dict
    """.split()
)
# Of these, those of tables with more than one column.
OF_FRAMES = set("columns iterrows itertuples merge query assign set_index pivot_table pivot melt applymap".split())
MAKES_FRAMES = {"DataFrame", "merge", "pivot_table", "crosstab", "get_dummies", "json_normalize", "melt", "pivot"}
KEEPS_FRAMES = set(
    """
    copy head tail dropna fillna drop drop_duplicates rename reset_index sort_values sort_index sample query assign
    merge join set_index astype replace filter
    """.split()
)
# Methods whose result may be a row, which has cells where a table has columns.
GIVES_ROWS = {"xs", "squeeze", "stack", "agg", "aggregate", "apply"}
# Attributes that give the same elements in another shape.
LIKE_ITSELF = {"T", "values", "array", "flat", "real"}
# Attributes whose values are no part of their object.
FACTS = set("shape size columns index dtype dtypes ndim name empty nbytes __name__ __doc__".split())
# Functions and methods that return numbers, truth values or texts, and no element of their arguments.
SCALARS = set(
    """
    abs all any ascii bin bool bytes callable chr complex divmod float format hasattr hash hex id int isinstance
    issubclass len oct ord pow print range repr round str dir mean median std var sem skew kurt count nunique argmax
    argmin idxmax idxmin corr cov quantile isna isnull notna notnull isin duplicated equals between contains startswith
    endswith match fullmatch split join strip lstrip rstrip lower upper title capitalize zfill encode decode
    strftime isoformat timestamp date day_name month_name total_seconds memory_usage info describe value_counts
    to_string to_html to_markdown get_feature_names_out predict predict_proba score cumsum diff pct_change rank
    """.split()
)
# Of these, those that return a truth value for each element.
SAYS_WHICH = set("isna isnull notna notnull isin duplicated between contains startswith endswith match eq".split())
ALWAYS_NEW = {"deepcopy", "dumps", "loads"}
# Methods that an object of a library implements by calling the objects that it contains.
ASKS = set(
    """
    predict predict_proba predict_log_proba decision_function score score_samples transform inverse_transform
    """.split()
)
# Functions that return arrays of numbers.
MAKES_NUMBERS = set(
    """
    zeros ones empty arange linspace logspace eye identity zeros_like ones_like meshgrid loadtxt sqrt exp log abs sin
    cos dot matmul cumsum diff mean sum std
    """.split()
)
# Methods that add their argument itself; others that alter their object may add the argument's elements.
ADDS_ONE = {"append", "appendleft", "add", "insert", "put", "push", "setdefault", "__setitem__"}
# Functions whose argument is a list of the parts to join.
CONCATENATES = {"concat", "concatenate", "hstack", "vstack", "dstack", "stack", "column_stack", "block", "chain"}
# Functions whose result computes when it is called, and is not altered by that.
COMPUTES = {
    "collections.namedtuple",
    "typing.NamedTuple",
    "typing.NewType",
    "numpy.poly1d",
    "numpy.polynomial.Polynomial",
    "scipy.interpolate.interp1d",
    "scipy.interpolate.CubicSpline",
}
