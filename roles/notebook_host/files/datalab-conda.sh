# shellcheck shell=bash
# How the step conda installs an environment, in the background. The program carries it, unless instances fetch files
# from the platform's bucket: then they fetch it too, since the length of the program is limited.

# The most seconds that the installation may take, and that a download may nearly stand still.
CONDA_LIMIT=7200
CONDA_STALL=60

# The log is not on the volume: a full volume would cut it off.
conda_bootstrap() {
  local log=$HERE/conda.log status
  exec 9>>"$log"
  flock -n 9 || return 0
  ln -sfT "$log" "$STATE/conda.log"
  conda_clean
  conda_complete || timeout -k 9 "$CONDA_LIMIT" "$RUN" conda_install >"$log" 2>&1
  status=$?
  conda_clean
  if ((status == 0)); then
    ! declare -F step_kernels >/dev/null || step_kernels
    notice conda
  else
    ((status < 124)) || echo "Error: it took longer than $((CONDA_LIMIT / 60)) minutes." >>"$log"
    notice conda "Your Python environment is not as it should be." \
      "$({ grep -aiE '^curl: |error' "$log" || cat "$log"; } | tail -n 1 | cut -c -300) The next start tries again. See $STATE/conda.log."
  fi
}

conda_clean() {
  [ ! -e "$CONDA.creating" ] || rm -rf "$CONDA" "$CONDA.creating"
  [ ! -e "$CONDA_CREATING" ] || rm -rf "$CONDA_DIR" "$CONDA_CREATING"
}

conda_install() {
  local file sum=${CONDA_INSTALLER_SHA256-}
  if [ ! -e "$CONDA" ]; then
    file=$(mktemp) && fetch "$CONDA_INSTALLER" "$file" || return
    [ -n "$sum" ] || sum=$(fetch "$CONDA_INSTALLER.sha256" -) || return
    echo "${sum%% *}  $file" | sha256sum -c - || conda_error "$CONDA_INSTALLER is not the file with this SHA-256." || return
    touch "$CONDA.creating" && bash "$file" -b -p "$CONDA" && rm "$CONDA.creating" "$file" || return
  fi
  [ -x "$CONDA/bin/conda" ] || conda_error "$CONDA exists, but is no Conda: please rename it." || return
  conda_environment
}

conda_error() { echo "Error: $1"; false; }

fetch() {
  curl -fsSL --retry 5 --retry-all-errors --connect-timeout 20 --speed-limit 1000 --speed-time "$CONDA_STALL" -o "$2" "$1"
}

conda_environment() {
  local verb=install minor
  minor=$(grep -o '3\.[0-9]*' <<<"${CONDA_PACKAGES[0]}")
  if [ ! -e "$CONDA_DIR" ]; then
    verb=create
    touch "$CONDA_CREATING" || return
  elif compgen -G "$CONDA_DIR/lib/python3*" && ! compgen -G "$CONDA_DIR/lib/python${minor:-3}*"; then
    conda_error "It is to have Python $minor, but what you installed would be lost: please rename or remove $CONDA_DIR."
    return
  elif [ ! -e "$CONDA_DIR/conda-meta/history" ]; then # is no environment, of which `create` would remove what is there
    verb=create
  fi
  # For what people install themselves.
  { echo channels:; printf -- '- %s\n' "${CONDA_CHANNELS[@]}"; } | put "$CONDA/.condarc"
  "$CONDA/bin/conda" "$verb" --yes --quiet --prefix "$CONDA_DIR" --override-channels \
    "${CONDA_CHANNELS[@]/#/--channel=}" "${CONDA_PACKAGES[@]}" && rm -f "$CONDA_CREATING" || return
  [ -z "${PIP_PACKAGES[*]}" ] || "$CONDA_DIR/bin/python" -m pip install "${PIP_PACKAGES[@]}" || return
  "$CONDA/bin/conda" clean --yes --quiet --tarballs
  put "$CONDA_MARK" <<<"$CONDA_WANTED"
}
