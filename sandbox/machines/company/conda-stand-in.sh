#!/bin/bash
# A stand-in for the installer of Miniforge or Miniconda, which tests cannot always download. It lays down a `conda` with
# the verbs that the role and its users need, in shells too; environments are real, made by `python -m venv`, and packages come from
# the index that is named as a channel. MINICONDA_URL and MINICONDA_SHA256 have the scenarios take a real installer.
set -eu

while [ $# -gt 0 ]; do
  case $1 in
    -b) ;;
    -p) prefix=$2; shift ;;
    *) echo "unknown option: $1" >&2; exit 2 ;;
  esac
  shift
done
if [ -e "${prefix:?-p is missing}" ]; then
  echo "ERROR: File or directory already exists: '$prefix'" >&2
  exit 1
fi
mkdir -p "$prefix/bin" "$prefix/conda-meta" "$prefix/condabin" "$prefix/envs" "$prefix/etc/profile.d"
ln -s ../bin/conda "$prefix/condabin/conda"

cat >"$prefix/bin/conda" <<'CONDA'
#!/bin/bash
# A stand-in for conda.
set -eu
root=$(cd "${0%/*}/.." && pwd)
verb=${1:?create, install, clean, run or env list}
shift
prefix=${CONDA_PREFIX-} packages=()
index=$(sed -n 's/^- //p' "$root/.condarc" 2>/dev/null | head -n 1)

while [ $# -gt 0 ]; do
  case $1 in
    -p | --prefix) prefix=$2; shift ;;
    -n | --name) prefix=$root/envs/$2; shift ;;
    -c | --channel) index=$2; shift ;;
    --channel=*) index=${1#*=} ;;
    -y | --yes | -q | --quiet | --override-channels | --tarballs) ;;
    -*) echo "conda: error: unrecognized arguments: $1" >&2; exit 2 ;;
    *)
      [ "$verb" != run ] || break
      packages+=("$1")
      ;;
  esac
  shift
done

add_packages() {
  local wanted=() package
  for package in "${packages[@]}"; do
    case $package in
      python=*)
        [ "$("$prefix/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = "${package#*=}" ] ||
          { echo "PackagesNotFoundError: the stand-in has no $package" >&2; exit 1; }
        ;;
      python) ;;
      *=*) wanted+=("${package%%=*}==${package##*=}") ;;
      *) wanted+=("$package") ;;
    esac
  done
  "$prefix/bin/python" -m pip install --quiet --no-compile --index-url "${index:?a channel is missing}" "${wanted[@]}"
}

case $verb in
  create)
    [ ! -e "$prefix" ] || { echo "CondaValueError: prefix already exists: $prefix" >&2; exit 1; }
    python3.11 -m venv "$prefix"
    mkdir "$prefix/conda-meta"
    add_packages
    ;;
  install) add_packages ;;
  clean) ;; # nothing is kept
  run) PATH=$prefix/bin:$PATH exec "$@" ;;
  env)
    if [ "${packages[*]:0:3}" = "config vars set" ]; then
      printf '{"env_vars": {"%s": "%s"}, "version": 1}\n' "${packages[3]%%=*}" "${packages[3]#*=}" \
        >"$prefix/conda-meta/state"
      exit
    fi
    for dir in "$root" "$root"/envs/*; do
      [ ! -d "$dir/conda-meta" ] || echo "$dir"
    done
    ;;
  *) echo "conda: the stand-in has no $verb" >&2; exit 2 ;;
esac
CONDA

cat >"$prefix/etc/profile.d/conda.sh" <<ACTIVATE
export CONDA_EXE='$prefix/bin/conda'
if [ -z "\${CONDA_SHLVL+x}" ]; then
  export CONDA_SHLVL=0 PATH="$prefix/condabin:\$PATH"
fi
conda() {
  [ "\$1" = activate ] || { "\$CONDA_EXE" "\$@"; return; }
  [ "\$CONDA_SHLVL" = 0 ] || PATH=\${PATH#"\$CONDA_PREFIX/bin:"}
  case \$2 in
    */*) CONDA_PREFIX=\$2 ;;
    *) CONDA_PREFIX=$prefix/envs/\$2 ;;
  esac
  export CONDA_PREFIX CONDA_DEFAULT_ENV="\${2##*/}" CONDA_SHLVL=1 PATH="\$CONDA_PREFIX/bin:\$PATH"
}
ACTIVATE

cat >"$prefix/bin/activate" <<'ACTIVATE'
# source activate NAME
. "${BASH_SOURCE[0]%/*}/../envs/$1/bin/activate"
ACTIVATE
chmod +x "$prefix/bin/conda"
