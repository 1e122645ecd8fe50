# shellcheck shell=bash
# Distribution packages for the scripts: what has to be installed is installed, what only has to be read is downloaded and
# unpacked without being installed. Sourced; needs bash. Messages go to stderr.

say () { printf '%s\n' "$*" >&2; }
die () { say "${0##*/}: $*"; exit 1; }

# The distribution in one word: debian (and what descends from it), redhat, or nothing.
distribution () {
  local ID='' ID_LIKE=''
  # shellcheck disable=SC1091
  [[ -r /etc/os-release ]] && . /etc/os-release
  case " $ID $ID_LIKE " in
    *' debian '*) echo debian ;;
    *' rhel '* | *' fedora '* | *' centos '*) echo redhat ;;
  esac
}

as_root () { [[ $(id -u) == 0 ]] || die "$1 needs root: run it with sudo"; }

# apt_lists PACKAGE...: fetches the package lists once a run (scripts that this one calls included), since old lists name
# versions that are gone. Offline, old lists will do if they know the packages.
apt_lists () {
  [[ -n ${apt_lists_are_fresh:-} ]] && return
  if [[ $(id -u) == 0 ]] && apt-get update -qq >/dev/null 2>&1; then
    export apt_lists_are_fresh=yes
    return
  fi
  apt-cache show --no-all-versions "$@" >/dev/null 2>&1 || die "the package lists could not be fetched (apt-get update), and do not know all of: $*"
}

is_installed () { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# apt_install PACKAGE...: installs those that are missing, and says which.
apt_install () {
  local package missing=()
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  [[ ${#missing[@]} == 0 ]] && return
  as_root "installing ${missing[*]}"
  say "installing ${missing[*]}"
  apt_lists "${missing[@]}"
  local log; log=$(mktemp)
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
    { tail -n 15 "$log" >&2; rm -f "$log"; die "apt-get install ${missing[*]} failed"; }
  rm -f "$log"
}

# apt_unpack FOLDER PACKAGE...: downloads the packages and unpacks them into FOLDER/<package>/, next to FOLDER/<package>.control
# with what they say of themselves. What is there already is left as it is.
apt_unpack () {
  local folder=$1 package missing=() lock
  shift
  for package in "$@"; do [[ -f $folder/$package.control ]] || missing+=("$package"); done
  [[ ${#missing[@]} == 0 ]] && return
  mkdir -p "$folder"
  # Another script may be at it: what it unpacked meanwhile is there.
  exec {lock}>"$folder/.lock"
  flock "$lock"
  missing=()
  for package in "$@"; do [[ -f $folder/$package.control ]] || missing+=("$package"); done
  if [[ ${#missing[@]} != 0 ]]; then
    say "downloading ${missing[*]}${apt_foreign[0]:+ for $apt_architecture}"
    [[ ${#apt_foreign[@]} != 0 ]] || apt_lists "${missing[@]}"
    download_and_unpack "$folder" "${missing[@]}"
  fi
  exec {lock}>&-
}

download_and_unpack () {
  local folder=$1 package
  shift
  local work; work=$(mktemp -d "$folder/.download.XXXXXX")
  for package in "$@"; do
    mkdir "$work/deb"
    (cd "$work/deb" && apt-get download -qq -o APT::Sandbox::User=root ${apt_foreign[@]+"${apt_foreign[@]}"} "$package" >&2) ||
      { rm -rf "$work"; die "could not download the package $package"; }
    dpkg-deb -x "$work"/deb/*.deb "$work/$package"
    dpkg-deb -f "$work"/deb/*.deb >"$work/$package.control"
    rm -rf "${folder:?}/$package"
    mv "$work/$package" "$folder/$package"
    mv "$work/$package.control" "$folder/$package.control"
    rm -rf "$work/deb"
  done
  rm -rf "$work"
}

# Options that make apt work on the packages of another architecture; none for this machine's own.
apt_foreign=()
apt_architecture=''

# with_foreign_lists ARCHITECTURE COMMAND...: runs a command for which apt_unpack and kernel_package know the packages of another
# architecture, from lists of its own that are thrown away afterwards: the system's lists, and what it can install, stay as they are.
with_foreign_lists () {
  apt_architecture=$1
  shift
  local lists status=0; lists=$(mktemp -d)
  mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
  apt_foreign=(-o APT::Architecture="$apt_architecture" -o APT::Architectures="$apt_architecture" -o Dir::State::lists="$lists/lists" -o Dir::Cache="$lists/cache")
  if apt-get -qq -o APT::Sandbox::User=root "${apt_foreign[@]}" update >/dev/null 2>&1; then "$@" || status=$?
  else say "the package lists for $apt_architecture could not be fetched"; status=1; fi
  apt_foreign=() apt_architecture=''
  rm -rf "$lists"
  return "$status"
}

# control_field FOLDER PACKAGE FIELD: one field of an unpacked package's description.
control_field () { sed -n "s/^$3: //p" "$1/$2.control"; }

# kernel_package: the package of today's kernel, which linux-image-cloud-amd64 only points to. Needs the lists of apt_lists.
kernel_package () {
  local architecture=${apt_architecture:-amd64} name
  name=$(apt-cache ${apt_foreign[@]+"${apt_foreign[@]}"} depends --important "linux-image-cloud-$architecture" |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*-cloud-[a-z0-9]*\)\(:any\)\{0,1\}$/\1/p' | head -n 1)
  [[ -n $name ]] || die "linux-image-cloud-$architecture names no kernel package: is this Debian?"
  echo "$name"
}

# node_packages: the npm packages of package-lock.json, installed when they are missing or another version of it was.
node_packages () {
  command -v npm >/dev/null || die 'Node.js 20.19 or newer with npm is not installed'
  # npm writes node_modules/.package-lock.json last, when everything is in place.
  [[ node_modules/.package-lock.json -nt package-lock.json ]] && return
  say 'installing the npm packages'
  npm ci --no-progress --loglevel=error >&2 || die 'npm ci failed'
}

# build_if_stale: dist/ from src/, when it is older, or was transpiled for a test (test/helpers/built.ts).
build_if_stale () {
  [[ -f dist/main.js && ! -f dist/.transpiled && -z $(find src tsconfig.json package-lock.json -newer dist/main.js -print -quit) ]] && return
  say 'building'
  mkdir -p dist
  # What scripts/bundle made stays.
  find dist -mindepth 1 -maxdepth 1 ! -name '*.tar.gz' -exec rm -rf {} +
  npm run --silent build >&2 || die 'the build failed'
}
