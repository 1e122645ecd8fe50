#!/bin/sh
# Installs, upgrades and removes core-provisioner on a system with systemd. It moves files, sets owners, switches links and has units
# read; what there is to ask, to check and to work out is the program's (core-provisioner setup). POSIX sh, and nothing else than what
# the smallest CentOS 7 or Debian has. See --help.
# Everything is in functions, so that a script that was cut off does nothing.
set -eu
LC_ALL=C
# Root's path may leave out where useradd and firewall-cmd are (su without a dash, cron).
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
export LC_ALL PATH
umask 022

usage () {
  cat <<'END'
usage: install.sh [--mode server|proxy|off] [--interface NAME] [--subnet A.B.C.D/N] [--range FIRST-LAST] [--router A.B.C.D]
                  [--dns A.B.C.D[,...]] [--domain NAME] [--unknown-clients allow|deny] [--advertise NAME]
                  [--gateway NAME | --no-gateway] [--keep-config | --change-config]
                  [--no-certs] [--no-start] [--yes] [--dry-run]
       install.sh --uninstall [--purge] [--yes] [--dry-run]

Installs the folder it lies in, or upgrades to it, and starts the service as the user matchbox. Run it again at any time: what
is in place stays as it is. On a terminal it asks for what it is not told.

  --mode MODE        server: DHCP server of the subnet (what --subnet implies); proxy: only boot answers, beside a DHCP server
                     on another machine; off: no DHCP, another server names this one
  --interface NAME   the interface that machines boot from
  --subnet, --range, --router, --dns, --domain
                     what machines are given; without --range only machines with a reservation get an address
  --unknown-clients  allow gives addresses from the range to machines without a reservation (default deny)
  --advertise NAME   the name or address of this machine in URLs (default: the interface's address)
  --gateway NAME     machines reach other networks through this machine, by this interface of it (forwarding and masquerading)
  --no-gateway       not any more
  --keep-config, --change-config
                     what becomes of a configuration that is there and says something else than these flags
  --no-certs         make no certificates: the gRPC API stays off
  --no-start         install, but do not start anything
  --uninstall        stop and remove it; configuration, certificates and data stay
  --purge            with --uninstall: remove those too, and the user matchbox
  --yes              do not ask
  --dry-run          say what would be done, and do nothing

The configuration is written once, to /etc/core-provisioner/config.yaml: later it is yours.
An upgrade that is not ready (core-provisioner doctor --wait) within 30 s is taken back.
Exit status: 0 done, 1 something is in the way or failed, 2 wrong usage.
END
}

opt=/opt/core-provisioner
etc=/etc/core-provisioner
config=$etc/config.yaml
state=/var/lib/core-provisioner
data=/var/lib/matchbox
certs=/etc/matchbox
package=$certs/matchbox-certs.tar.gz
units=/etc/systemd/system
services_folder=/etc/firewalld/services
policy=/etc/firewalld/policies/core-provisioner.xml
link=/usr/local/bin/core-provisioner
user=matchbox
service=core-provisioner.service
gateway_unit=core-provisioner-gateway.service
patience=30

say () { printf '%s\n' "$*"; }
warn () { printf '%s\n' "$*" >&2; }
die () { warn "install.sh: $*"; exit 1; }
wrong () { warn "install.sh: $*; install.sh --help tells more"; exit 2; }
have () { command -v "$1" >/dev/null 2>&1; }

# change TEXT COMMAND...: does it and says so, or only says so. All that is changed goes through here.
changes=0
change () {
  changes=$((changes + 1))
  if [ -n "$dry_run" ]; then
    say "would $1"
  else
    say "$1"
    shift
    "$@"
  fi
}

# put FILE MODE OWNER: standard input as FILE, unless it is so already. Answers whether it changed.
put () {
  cat >"$work/put"
  if [ -f "$1" ] && cmp -s "$work/put" "$1"; then return 1; fi
  change "write $1" place "$work/put" "$@"
}
place () {
  # Whoever asks whether something changed has switched set -e off.
  { mkdir -p "${2%/*}" && cp "$1" "$2.new" && chmod "$3" "$2.new" && chown "$4" "$2.new" && mv -f "$2.new" "$2"; } || die "cannot write $2"
}

# folder PATH MODE OWNER: made if it is missing; one that is there keeps its mode.
folder () {
  [ -d "$1" ] || change "make the folder $1 ($3, $2)" make_folder "$@"
}
make_folder () {
  mkdir -p "$1"
  chmod "$2" "$1"
  chown "$3" "$1"
}

program () { "$bundle/bin/core-provisioner" "$@"; }
installed_program () { "$home/bin/core-provisioner" "$@"; }

# ---- what the program says of it

# Lists of words: socket units that are to start, services of firewalld and their zones, names for the certificate, the interface that
# leads out; whether the configuration is new, changed or kept, whether certificates are to be made, which build this is.
sockets='' services='' zones='' names='' gateway='' config_state='' make_certs='' build=''

# Asks what is to be asked and checks it, before anything is changed: config.yaml, environment and files/ in $work are what is to be put
# in place, and settings says the rest.
make_plan () {
  set -- setup plan --to "$work" --bundle "$bundle" --systemd "$systemd_version" --name "$(uname -n)" --name "$(hostname -f 2>/dev/null || true)" "$@"
  if [ -n "$dry_run" ]; then set -- "$@" --dry-run; fi
  if [ -z "$yes" ] && [ -t 0 ] && [ -t 1 ]; then set -- "$@" --ask; fi
  program "$@" || exit $?
  # shellcheck source=/dev/null
  . "$work/settings"
}

# plan FOLDER: what the version in FOLDER has systemd and firewalld know of the configuration that is in force: files and settings alone.
plan () {
  rm -rf "$work/files"
  planner=$1
  set -- setup files --to "$work/files" --systemd "$systemd_version" --config $config
  if [ -f $etc/environment ]; then set -- "$@" --env-file $etc/environment; fi
  "$planner/bin/core-provisioner" "$@" >"$work/settings" || die "${planner##*/} can't set up that configuration (above)"
  # shellcheck source=/dev/null
  . "$work/settings"
}

# ---- the parts of an installation

# Whether a folder is one that this script, or an older one, has put there; nothing else is ever removed.
installed () {
  [ -f "$1/SHA256SUMS" ] || return 1
  [ -f "$1/.installed" ] || grep -q "\"version\": *\"${1##*/}\"" "$1/package.json" 2>/dev/null
}

# The version and the build have a folder of their own: no installation ever replaces another.
choose_home () {
  current=$opt/current
  if [ "${bundle%/*}" = $opt ] && installed "$bundle"; then
    home=$bundle
    return
  fi
  home=$opt/$version-$build
  # As installed before builds had a number.
  if cmp -s "$bundle/SHA256SUMS" "$opt/$version/SHA256SUMS" && installed "$opt/$version"; then home=$opt/$version; fi
}

copy_bundle () {
  if [ "$bundle" = "$home" ] || [ -d "$home" ]; then return; fi
  change "copy $bundle to $home" copy_to_home
}
copy_to_home () {
  partial=$home.new
  rm -rf "$partial"
  # Whoever unpacked it may have kept it to himself (umask 077).
  { mkdir -p $opt && cp -RP "$bundle" "$partial" 2>"$work/copy" && chown -R 0:0 "$partial" && chmod -R u+rwX,go+rX,go-w "$partial" && : >"$partial/.installed"; } ||
    die "nothing was changed: $bundle could not be copied to $opt: $(sed -n 1p "$work/copy")"
  mv "$partial" "$home"
  partial=''
}

# point LINK TARGET: atomically, so that there is always one.
point () {
  if [ "$(readlink "$1" || true)" = "$2" ]; then return; fi
  change "point $1 to $2" replace_link "$1" "$2"
}
replace_link () {
  rm -f "$1.new"
  mkdir -p "${1%/*}"
  ln -s "$2" "$1.new"
  mv -fT "$1.new" "$1"
}

# A system whose /usr is read-only (Flatcar) goes without.
link_command () {
  if [ "$(readlink $link || true)" = $opt/current/bin/core-provisioner ]; then return; fi
  # Tried, since not every test -w knows that the file system is read-only.
  if [ -n "$dry_run" ] || (mkdir -p "${link%/*}" && : >$link.new) 2>/dev/null; then
    point $link $opt/current/bin/core-provisioner
  else
    say "note: ${link%/*} can't be written here: the command is $opt/current/bin/core-provisioner"
  fi
}

known () { grep -q "^$2:" "/etc/$1" 2>/dev/null || { have getent && getent "$1" "$2" >/dev/null; }; }
make_user () {
  known group $user || change "make the group $user" make_group
  known passwd $user || change "make the system user $user, who can't log in" make_account
}
make_group () {
  if have groupadd; then groupadd -r $user; elif have addgroup; then addgroup -S $user; else die 'no groupadd and no addgroup here'; fi
}
make_account () {
  shell=/sbin/nologin
  [ -x /usr/sbin/nologin ] && shell=/usr/sbin/nologin
  if have useradd; then
    useradd -r -g $user -d $data -M -s $shell -c 'Netboot service' $user
  else
    adduser -S -D -H -G $user -h $data -s $shell -g 'Netboot service' $user
  fi
}

make_folders () {
  folder $data 755 $user:$user
  for name in groups profiles ignition cloud generic assets; do folder $data/$name 755 $user:$user; done
  folder $state 750 $user:$user
  folder $certs 755 root:root
  folder $etc 750 root:$user
  # A Matchbox that ran as root leaves what the service has to write; assets are only read.
  if known passwd $user && [ -d $data ] && [ -n "$(not_ours -print | sed -n 1p)" ]; then
    change "give $data, all but the contents of assets, to $user" give_store
  fi
}
# -H: the folder itself may be a link to where there is room.
not_ours () { find -H $data -path "$data/assets/*" -prune -o ! -user $user "$@"; }
give_store () { not_ours -exec chown -h $user:$user '{}' + || warn "not all of $data could be given to $user"; }

write_config () {
  if [ -s "$work/environment" ]; then put "$etc/environment" 640 root:$user <"$work/environment" || true; fi
  if [ "$config_state" = changed ]; then change "keep the configuration as it was as $config.old" cp -p "$config" "$config.old"; fi
  if [ "$config_state" != kept ]; then put "$config" 640 root:$user <"$work/config.yaml" || true; fi
}

write_certs () {
  if [ -z "$make_certs" ]; then return; fi
  change "make certificates in $certs for $names" init_certs
  if [ -z "$dry_run" ]; then made_certs=yes; fi
}
init_certs () {
  program certs init --dir $certs --san "$names" >/dev/null
  chown root:$user $certs/server.key
  chmod 640 $certs/server.key
  # One that is there is of an authority that is gone.
  if [ -f $package ]; then mv -f $package $package.old; fi
  program certs export --client --dir $certs --out $package >/dev/null
}
# Puts the planned units in place, and takes away what was written for another configuration. Sets $sockets_changed when sockets have
# to be opened anew, $gateway_changed when the gateway has.
install_units () {
  sockets_changed='' gateway_changed=''
  (cd "$work/files$units" && find . -type f | sed 's,^\./,,' | sort) >"$work/units"
  while IFS= read -r name; do
    if put "$units/$name" 644 root:root <"$work/files$units/$name"; then sockets_change "$name"; fi
  done <"$work/units"
  for file in "$units"/core-provisioner*.d/interface.conf "$units"/core-provisioner*.d/listen.conf "$units"/core-provisioner*.d/paths.conf; do
    if [ ! -f "$file" ] || [ -f "$work/files$file" ]; then continue; fi
    change "remove $file" rm -f "$file"
    sockets_change "$file"
  done
}
sockets_change () { case $1 in *.socket | *.socket.d/*) sockets_changed=yes ;; core-provisioner-gateway.*) gateway_changed=yes ;; esac; }

firewall_runs () { have firewall-cmd && firewall-cmd --state >/dev/null 2>&1; }
# What else there is to do does not wait for a firewall that somebody has to mend.
reload_firewall () { firewall-cmd --quiet --reload || warn 'firewalld could not read its files: firewall-cmd --check-config tells why'; }
open_firewall () {
  if [ -d /etc/firewalld ]; then
    reload=''
    for file in "$work/files$services_folder"/*.xml "$work/files$policy"; do
      if [ -f "$file" ] && put "${file#"$work/files"}" 644 root:root <"$file"; then reload=yes; fi
    done
    if [ -n "$reload" ] && firewall_runs; then change 'have firewalld read its services' reload_firewall; fi
  fi
  if firewall_runs; then
    for zone in $zones; do
      for name in $services; do
        if firewall-cmd --quiet --permanent --zone="$zone" --query-service="$name" 2>/dev/null; then continue; fi
        change "let $name through firewalld (zone $zone)" open_service "$name"
      done
    done
  fi
}
open_service () {
  firewall-cmd --quiet --permanent --zone="$zone" --add-service="$1"
  firewall-cmd --quiet --zone="$zone" --add-service="$1" || reload_firewall
}

# Below /opt only bin/ is labelled as programs by itself; the service starts node through the loader in lib/.
executables='/opt/core-provisioner/[^/]+/lib/(node|ld-linux-x86-64\.so\.2)'
selinux_runs () { have selinuxenabled && selinuxenabled; }
label_files () {
  if ! selinux_runs; then return; fi
  change "restore SELinux contexts of $opt, $etc, $certs, $data and $state" restore_contexts
}
restore_contexts () {
  if have semanage; then
    semanage fcontext -a -t bin_t "$executables" 2>/dev/null || semanage fcontext -m -t bin_t "$executables"
  fi
  if have restorecon; then restorecon -R $opt $etc $certs $data $state $units/core-provisioner* $link 2>/dev/null || true; fi
  # Without semanage the policy does not know, and the label holds until somebody relabels.
  have semanage || chcon -t bin_t "$home/lib/node" "$home/lib/ld-linux-x86-64.so.2"
}

# ---- in force

active () { [ -n "$systemd" ] && systemctl is-active --quiet "$1" 2>/dev/null; }

# The sockets of single interfaces that start at boot.
instances () {
  for file in "$units/$service".wants/core-provisioner-*@?*.socket; do if [ -L "$file" ]; then say "${file##*/}"; fi; done
}

# Sets which units start, now as at boot: those that the configuration has work for.
enable_units () {
  unwanted=''
  for file in $(cd $units && ls -d core-provisioner-*.socket) $(instances); do
    case $file in *@.socket) continue ;; esac
    case " $sockets " in *" $file "*) ;; *) unwanted="$unwanted $file" ;; esac
  done
  # shellcheck disable=SC2086 # lists of words
  { systemctl --quiet disable $unwanted 2>/dev/null || true; systemctl --quiet enable $service $sockets ${gateway:+$gateway_unit}; }
}

# (Re)starts what changed; answers whether the service is ready.
put_in_force () {
  systemctl daemon-reload
  enable_units
  # Sockets that stay open hold what comes in while the service is away. Those that close go first: what waits in one starts
  # a service that has stopped.
  # shellcheck disable=SC2086 # lists of words
  if [ -n "$sockets_changed" ]; then systemctl stop $sockets $unwanted $service; else systemctl stop $unwanted; fi 2>/dev/null || true
  # shellcheck disable=SC2086
  { systemctl reset-failed $service $sockets 2>/dev/null || true; systemctl start $sockets || true; }
  # Not restart: the old process must not answer for the new one, and a start that hangs is waited for here.
  systemctl stop $service 2>/dev/null || true
  systemctl --no-block start $service
  ready $patience
}
# The folder that the running service was started from, empty when none runs. By the file: in a chroot its path is another one.
runs_from () {
  if [ -z "$systemd" ]; then return; fi
  pid=$(systemctl show --property=MainPID $service | sed 's/^MainPID=//')
  if [ "${pid:-0}" = 0 ]; then return; fi
  for running in "$opt"/*; do
    # shellcheck disable=SC3013 # dash and busybox have it too
    if [ ! -L "$running" ] && [ "/proc/$pid/exe" -ef "$running/lib/core-provisioner" ]; then say "$running"; return; fi
  done
}
# ready SECONDS: waits until what is installed is what runs, under the units as they are on disk, with its ports its own, its
# files within its reach, and DHCP answered; says what is in the way when it is not.
# shellcheck disable=SC2086 # $alive is one word or none
ready () { "$current/bin/core-provisioner" doctor --wait "$1" $alive; }

# What runs has read its files, and what takes its place has to: a version that could not is not put in force.
check_files () {
  if [ -n "$dry_run" ] || [ -z "$previous" ] || [ "$previous" = "$home" ] || ! active $service; then return; fi
  if installed_program doctor --files --as $user >"$work/unreadable" 2>&1; then return; fi
  sed -n 's/^PROBLEM *//p' "$work/unreadable" >&2
  die "${previous##*/} runs on: $version could not read or write (as $user) what is named above; $home holds it, and nothing else was changed"
}
# as_service WORD...: asks the program with the service's eyes: root can read what the service may not.
as_service () {
  set -- "$@" --as $user --config $config
  if [ -f $etc/environment ]; then set -- "$@" --env-file $etc/environment; fi
  installed_program "$@"
}

# The gateway has a unit of its own, and starts whatever becomes of the service.
start_gateway () {
  if [ -n "$no_gateway" ] && [ -f "$units/$gateway_unit" ]; then change 'take the gateway away' remove_gateway; fi
  if [ -z "$gateway" ] || [ -z "$systemd" ] || [ -z "$start" ]; then return; fi
  if [ -z "$gateway_changed" ] && active $gateway_unit; then return; fi
  change "forward what machines send, through $gateway" restart_gateway
}
restart_gateway () {
  systemctl daemon-reload
  systemctl --quiet enable $gateway_unit
  systemctl restart $gateway_unit || failed="machines reach nothing through $gateway: journalctl -u ${gateway_unit%.service} tells why"
}
remove_gateway () {
  if [ -n "$systemd" ]; then
    systemctl --quiet disable $gateway_unit
    systemctl stop $gateway_unit || true
  fi
  rm -f "$units/$gateway_unit" "$policy"
  clear_drop_ins "$units/$gateway_unit.d"
  if [ -n "$systemd" ]; then systemctl daemon-reload; fi
  if firewall_runs; then reload_firewall; fi
}

start_service () {
  if [ -z "$systemd" ] || [ -z "$start" ]; then
    if have systemctl && [ -z "$dry_run" ]; then enable_units; fi
    if [ -n "$systemd" ]; then say "not started: systemctl start $service"; else say 'not started: systemd does not run here'; fi
  elif [ "$changes" = 0 ] && active $service && ready 0; then
    say "$version runs"
  elif [ -n "$dry_run" ]; then
    change "start $service with $sockets, and wait $patience s until it is ready"
  elif changes=$((changes + 1)) && put_in_force; then
    say "$version is ready"
  else
    warn "$version is not ready after $patience s. Its last words (journalctl -u core-provisioner shows all):"
    journalctl --quiet --no-pager --unit=core-provisioner --lines=40 --output=cat >&2 2>/dev/null || true
    roll_back
  fi
}

roll_back () {
  if [ -z "$previous" ] || [ "$previous" = "$home" ] || [ ! -x "$previous/bin/core-provisioner" ]; then
    die "it stays installed: mend $config and run this again, or take it off with --uninstall"
  fi
  warn "Going back to ${previous##*/}."
  point $opt/current "$previous"
  if [ -n "$older" ]; then point $opt/previous "$older"; else rm -f $opt/previous; fi
  plan "$previous"
  install_units
  if put_in_force; then die "${previous##*/} runs again; $version lies in $home"; fi
  die "${previous##*/} is not ready either: journalctl -u core-provisioner"
}

# The version that runs and the one before it stay, the folder that this script lies in, and all that is not ours.
remove_old () {
  before=$(readlink $opt/previous || true)
  running=$(runs_from)
  for folder in "$opt"/*; do
    case $folder in "$home" | "$before" | "$running" | "$bundle") continue ;; esac
    if [ -L "$folder" ] || [ ! -d "$folder" ]; then continue; fi
    # What a copy that was killed has left is named so.
    case ${folder##*/} in [0-9]*-????????.new) ;; *) installed "$folder" || continue ;; esac
    change "remove the old version $folder" rm -rf "$folder"
  done
}

# One at a time: a folder is made by one process only. Whoever was killed left his, which the next one takes over.
lock () {
  lock_folder=/tmp
  for name in /run /var/run; do if [ -d $name ] && [ -w $name ]; then lock_folder=$name; break; fi; done
  lock_folder=$lock_folder/core-provisioner-install
  for attempt in 1 2; do
    if mkdir $lock_folder 2>/dev/null; then
      locked=yes
      echo $$ >$lock_folder/pid
      return
    fi
    holder=$(cat $lock_folder/pid 2>/dev/null || true)
    if [ "$attempt" = 2 ] || grep -q install.sh "/proc/${holder:-0}/cmdline" 2>/dev/null; then
      die "another install.sh runs (pid ${holder:-unknown}): wait for it, or remove $lock_folder if there is none"
    fi
    # Renamed first: of two that come by, one gets it.
    mv $lock_folder "$lock_folder.$$" 2>/dev/null && rm -rf "$lock_folder.$$"
  done
}

install () {
  if [ ! -f "$bundle/SHA256SUMS" ] || [ ! -f "$bundle/lib/node" ]; then die "$bundle is no unpacked bundle: run the install.sh that lies in one"; fi
  [ "$(uname -m)" = x86_64 ] || die "this bundle is for x86-64, and this machine is $(uname -m)"
  known passwd $user || have useradd || have adduser || die "there is neither useradd nor adduser to make the user $user with"
  if have sha256sum; then
    (cd "$bundle" && sha256sum -c SHA256SUMS >"$work/sums" 2>&1) || {
      grep -v ': OK$' "$work/sums" >&2
      die "$bundle is damaged (above): unpack it again"
    }
  fi
  version=$(program --version 2>"$work/error") || {
    cat "$work/error" >&2
    die "$bundle/bin/core-provisioner does not start: is that file system mounted noexec? Unpack it elsewhere"
  }
  make_plan "$@"
  choose_home
  # What is in force, and what was before that.
  previous=$(readlink $opt/current || true)
  older=$(readlink $opt/previous || true)
  # An upgrade that was killed after the switch: what runs is what one would go back to.
  if [ "$previous" = "$home" ] && [ -n "$older" ] && [ "$(runs_from)" = "$older" ]; then previous=$older older=''; fi
  # A store with a broken file is not ready before the upgrade either, and no reason to take it back.
  alive=''
  if active $service && ! ready 3 2>"$work/unready"; then
    say "note: the version that runs is not ready; the new one has to answer, and no more: $(sed -n 1p "$work/unready")"
    alive=--alive
  fi

  copy_bundle
  make_user
  make_folders
  write_config
  write_certs
  check_files
  install_units
  open_firewall
  if [ -n "$previous" ] && [ "$previous" != "$home" ]; then point $opt/previous "$previous"; fi
  point $opt/current "$home"
  link_command
  if [ "$changes" != 0 ]; then label_files; fi
  if [ -z "$dry_run" ]; then as_service setup look || warn "note: $home cannot be looked at as the user $user: may that user read it?"; fi
  start_gateway
  start_service
  if [ -z "$dry_run" ]; then
    remove_old
    if [ -z "$previous" ]; then
      as_service setup next --first ${made_certs:+--new-certs} || true
    elif [ -n "$made_certs" ]; then
      as_service setup next --new-certs || true
    fi
  fi
  if [ "$changes" = 0 ]; then say 'nothing to do'; fi
  [ -z "$failed" ] || die "$failed"
}

remove () {
  if [ -n "$purge" ] && [ -z "$yes" ] && [ -z "$dry_run" ]; then
    if [ ! -t 0 ] || [ ! -t 1 ]; then wrong '--purge removes data for good: say --yes'; fi
    printf '%s' "Remove $etc, $certs, $data (groups, profiles, images) and $state for good (yes, no) [no]: " >&2
    IFS= read -r answer || answer=''
    case $answer in y | yes) ;; *) die 'nothing was changed' ;; esac
  fi
  found=''
  for file in "$units"/core-provisioner*.socket "$units"/core-provisioner*.service; do if [ -f "$file" ]; then found="$found ${file##*/}"; fi; done
  if [ -n "$found" ]; then
    # A template starts as its instances, and is disabled with all of them.
    running=$(instances)
    for file in $found; do case $file in *@.socket) ;; *) running="$running $file" ;; esac; done
    # shellcheck disable=SC2086 # a list of words
    if [ -n "$systemd" ]; then
      change "stop and disable$found" systemctl --quiet disable $found
      if [ -z "$dry_run" ]; then systemctl stop $running || true; fi
    fi
    for file in $found; do change "remove $units/$file" rm -f "$units/$file"; done
    for file in "$units"/core-provisioner*.d; do
      if [ -d "$file" ]; then change "remove what was written to $file" clear_drop_ins "$file"; fi
    done
    if [ -n "$systemd" ] && [ -z "$dry_run" ]; then systemctl daemon-reload; fi
  fi
  for name in core-provisioner core-provisioner-https core-provisioner-rpc; do
    if [ ! -f "$services_folder/$name.xml" ]; then continue; fi
    if firewall_runs; then change "take $name out of firewalld" close_service "$name"; fi
    change "remove $services_folder/$name.xml" rm -f "$services_folder/$name.xml"
  done
  if [ -f $policy ]; then
    change "remove $policy" rm -f $policy
    if firewall_runs && [ -z "$dry_run" ]; then reload_firewall; fi
  fi
  if [ -n "$found" ] && selinux_runs && have semanage && [ -z "$dry_run" ]; then semanage fcontext -d "$executables" 2>/dev/null || true; fi
  if [ -L $link ]; then change "remove $link" rm -f $link; fi
  if [ -d $opt ]; then change "remove $opt" remove_versions; fi
  if [ -n "$purge" ]; then
    for folder in $etc $certs $data $state; do if [ -d "$folder" ]; then change "remove $folder" purge_folder "$folder"; fi; done
    if known passwd $user; then change "remove the user $user" remove_account; fi
  else
    say "kept: $etc, $certs, $data, $state and the user $user (--purge removes them)"
  fi
  if [ "$changes" = 0 ]; then say 'nothing to do'; fi
}
remove_versions () {
  rm -f $opt/current $opt/previous
  for folder in "$opt"/*; do
    case ${folder##*/} in [0-9]*-????????.new) rm -rf "$folder" ;; *) if [ -d "$folder" ] && [ ! -L "$folder" ] && installed "$folder"; then rm -rf "$folder"; fi ;; esac
  done
  rmdir $opt 2>/dev/null || say "kept: $opt, for what somebody else put there"
}
# What is in it, also where it is a link, but nothing on other file systems: somebody's images may be mounted there.
purge_folder () {
  # Not with -depth: busybox looks at -xdev only where it goes into a folder before its contents.
  find -H "$1" -xdev -mindepth 1 ! -type d -exec rm -f '{}' +
  find -H "$1" -xdev -mindepth 1 -type d | sort -r | while IFS= read -r inner; do rmdir "$inner" 2>/dev/null || true; done
  if [ -L "$1" ]; then
    target=$(readlink "$1")
    rm -f "$1"
    set -- "$target"
  fi
  rmdir "$1" 2>/dev/null || say "kept: $1, which is a mount point or holds one"
}
clear_drop_ins () {
  rm -f "$1/interface.conf" "$1/listen.conf" "$1/hardening.conf" "$1/paths.conf" "$1/interfaces.conf"
  # What somebody else put there is theirs.
  rmdir "$1" 2>/dev/null || true
}
close_service () {
  for zone in $(firewall-cmd --get-zones); do
    if firewall-cmd --quiet --permanent --zone="$zone" --query-service="$1"; then firewall-cmd --quiet --permanent --zone="$zone" --remove-service="$1"; fi
  done
  reload_firewall
}
remove_account () {
  if have userdel; then userdel $user; elif have deluser; then deluser $user; else warn "no userdel and no deluser here: $user stays"; fi
  if known group $user; then groupdel $user 2>/dev/null || delgroup $user 2>/dev/null || true; fi
}

main () {
  start=yes uninstall='' purge='' yes='' dry_run='' no_gateway=''
  # What is not for the shell is for the program, and stays in its order.
  left=$#
  while [ "$left" -gt 0 ]; do
    argument=$1 left=$((left - 1))
    shift
    case $argument in
      --no-start) start='' ;;
      --uninstall) uninstall=yes ;;
      --purge) purge=yes ;;
      --yes | -y) yes=yes ;;
      --dry-run | -n) dry_run=yes ;;
      -h | --help) usage; exit 0 ;;
      --no-gateway) no_gateway=yes; set -- "$@" "$argument" ;;
      *) set -- "$@" "$argument" ;;
    esac
  done
  [ -z "$purge" ] || [ -n "$uninstall" ] || wrong '--purge goes with --uninstall'
  [ -z "$uninstall" ] || [ $# = 0 ] || wrong "--uninstall takes no $*"
  [ -n "$dry_run" ] || [ "$(id -u)" = 0 ] || die 'this needs root: run it with sudo'
  bundle=$(CDPATH='' cd -P -- "$(dirname -- "$0")" && pwd -P)
  systemd='' systemd_version=0
  if have systemctl && [ -d /run/systemd/system ]; then systemd=yes; fi
  if have systemctl; then systemd_version=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p'); fi
  systemd_version=${systemd_version:-0}
  unset LD_LIBRARY_PATH LD_PRELOAD NODE_OPTIONS
  work=$(mktemp -d "${TMPDIR:-/tmp}/core-provisioner.XXXXXX")
  partial='' locked='' made_certs='' failed=''
  trap 'rm -rf "$work" ${partial:+"$partial"} ${locked:+"$lock_folder"}' EXIT
  trap 'exit 130' INT TERM HUP
  [ -n "$dry_run" ] || lock
  if [ -n "$uninstall" ]; then remove; else install "$@"; fi
}

main "$@"
