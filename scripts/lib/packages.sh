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
  local folder=$1 package missing=()
  shift
  for package in "$@"; do [[ -f $folder/$package.control ]] || missing+=("$package"); done
  [[ ${#missing[@]} == 0 ]] && return
  say "downloading ${missing[*]}"
  apt_lists "${missing[@]}"
  mkdir -p "$folder"
  local work; work=$(mktemp -d "$folder/.download.XXXXXX")
  for package in "${missing[@]}"; do
    mkdir "$work/deb"
    (cd "$work/deb" && apt-get download -qq -o APT::Sandbox::User=root "$package" >&2) ||
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

# control_field FOLDER PACKAGE FIELD: one field of an unpacked package's description.
control_field () { sed -n "s/^$3: //p" "$1/$2.control"; }

# kernel_package: the package of today's kernel, which linux-image-cloud-amd64 only points to. Needs the lists of apt_lists.
kernel_package () {
  local name; name=$(apt-cache depends --important linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -n 1)
  [[ -n $name ]] || die 'linux-image-cloud-amd64 names no kernel package: is this Debian on amd64?'
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
