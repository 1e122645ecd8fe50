#!/bin/sh
# Installs, upgrades and removes core-provisioner on a system with systemd. What there is to ask, to check, to work out and to say is the
# program's (core-provisioner setup, run from the bundle): this carries out the steps that it names, starts what is installed, and goes
# back when that is not ready. POSIX sh, and nothing else than what the smallest CentOS 7 or Debian has. See --help.
# Everything is in functions, so that a script that was cut off does nothing.
set -eu
LC_ALL=C
# Root's path may leave out where useradd and firewall-cmd are (su without a dash, cron).
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
export LC_ALL PATH
umask 022

opt=/opt/core-provisioner
etc=/etc/core-provisioner
config=$etc/config.yaml
state=/var/lib/core-provisioner
data=/var/lib/matchbox
certs=/etc/matchbox
package=$certs/matchbox-certs.tar.gz
units=/etc/systemd/system
current=$opt/current
user=matchbox
service=core-provisioner.service
gateway_unit=core-provisioner-gateway.service
patience=30

say () { printf '%s\n' "$*"; }
warn () { printf '%s\n' "$*" >&2; }
die () { warn "install.sh: $*"; exit 1; }
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

# carry_out PART: its steps, as the program has written them (src/setup/steps.ts).
carry_out () {
  while IFS=' ' read -r verb one two three says <&3; do
    change "$says" "step_$verb" "$one" "$two" "$three"
  done 3<"$work/$1"
}

program () { "$bundle/bin/core-provisioner" "$@"; }

# What the program says of it: the steps of each part, and these variables, words or lists of them. The folders of the version that is
# to be in force, of the one that is and of the one before; socket units that are to start, those that are not, and whether they have to
# be opened anew; the interface that leads out; whether what runs is older than its configuration. For a removal: the units there are,
# and the services among them.
home='' previous='' older='' sockets='' unwanted='' sockets_changed='' gateway='' restart='' found='' running=''
# ask PART...: nothing was changed when it refuses.
ask () {
  set -- setup "$@" --to "$work" --bundle "$bundle"
  if [ -n "$dry_run" ]; then set -- "$@" --dry-run; fi
  if [ -z "$yes" ] && [ -t 0 ] && [ -t 1 ]; then set -- "$@" --ask; fi
  program "$@" || exit $?
  # shellcheck source=/dev/null
  . "$work/settings"
}

# ---- steps

step_copy () {
  partial=$home.new
  rm -rf "$partial"
  # Whoever unpacked it may have kept it to himself (umask 077).
  { mkdir -p $opt && cp -RP "$bundle" "$partial" 2>"$work/copy" && chown -R 0:0 "$partial" && chmod -R u+rwX,go+rX,go-w "$partial" && : >"$partial/.installed"; } ||
    die "nothing was changed: $bundle could not be copied to $opt: $(sed -n 1p "$work/copy")"
  mv "$partial" "$home"
  partial=''
}
step_group () { case $1 in groupadd) groupadd -r $user ;; *) addgroup -S $user ;; esac; }
step_account () {
  case $1 in
    useradd) useradd -r -g $user -d $data -M -s "$2" -c 'Netboot service' $user ;;
    *) adduser -S -D -H -G $user -h $data -s "$2" -g 'Netboot service' $user ;;
  esac
}
step_folder () { mkdir -p "$1" && chmod "$2" "$1" && chown "$3" "$1"; }
# -H: the folder itself may be a link to where there is room.
step_give () {
  find -H "$1" -path "$1/assets/*" -prune -o ! -user $user -exec chown -h $user:$user '{}' + || warn "not all of $1 could be given to $user"
}
step_give_root () {
  find -H "$1" -path "$1/assets" -prune -o -user root -exec chown -h $user:$user '{}' + || warn "not all of $1 could be given to $user"
}
step_put () {
  mkdir -p "${1%/*}"
  cp "$work/files$1" "$1.new" && chmod "$2" "$1.new" && chown "$3" "$1.new" && mv -f "$1.new" "$1"
}
step_keep () { cp -p "$1" "$1.old"; }
step_certs () {
  program certs init --dir $certs --san "$1" >/dev/null
  chown root:$user $certs/server.key
  chmod 640 $certs/server.key
  # One that is there is of an authority that is gone.
  if [ -f $package ]; then mv -f $package $package.old; fi
  program certs export --client --dir $certs --out $package >/dev/null
  made_certs=yes
}
step_drop () { rm -f "$1"; }
step_remove () { rm -rf "$1"; }
# Atomically, so that there is always one.
step_link () {
  mkdir -p "${1%/*}"
  rm -f "$1.new" && ln -s "$2" "$1.new" && mv -fT "$1.new" "$1"
}
# What else there is to do does not wait for a firewall that somebody has to mend.
step_reload_firewall () { firewall-cmd --quiet --reload || warn 'firewalld could not read its files: firewall-cmd --check-config tells why'; }
step_allow () {
  firewall-cmd --quiet --permanent --zone="$1" --add-service="$2"
  firewall-cmd --quiet --zone="$1" --add-service="$2" || step_reload_firewall
}
step_forbid () { firewall-cmd --quiet --permanent --zone="$1" --remove-service="$2"; }
# An interface to its zone by name, and back to the default one: what is killed between the two lines is done by the next reload.
step_assign () {
  firewall-cmd --quiet --permanent --zone="$1" --add-interface="$2"
  firewall-cmd --quiet --zone="$1" --query-interface="$2" || firewall-cmd --quiet --zone="$1" --add-interface="$2" || step_reload_firewall
}
step_release () {
  firewall-cmd --quiet --permanent --zone="$1" --remove-interface="$2"
  firewall-cmd --quiet --zone="$1" --remove-interface="$2" || step_reload_firewall
}

# Below /opt only bin/ is labelled as programs by itself; the service starts node through the loader in lib/.
executables='/opt/core-provisioner/[^/]+/lib/(node|ld-linux-x86-64\.so\.2)'
step_label () {
  if have semanage; then
    semanage fcontext -a -t bin_t "$executables" 2>/dev/null || semanage fcontext -m -t bin_t "$executables"
  fi
  if have restorecon; then restorecon -R $opt $etc $certs $data $state $units/core-provisioner* /usr/local/bin/core-provisioner 2>/dev/null || true; fi
  # Without semanage the policy does not know, and the label holds until somebody relabels.
  have semanage || chcon -t bin_t "$home/lib/node" "$home/lib/ld-linux-x86-64.so.2"
}
step_unlabel () { if have semanage; then semanage fcontext -d "$executables" 2>/dev/null || true; fi; }

step_gateway_on () {
  systemctl daemon-reload
  systemctl --quiet enable $gateway_unit
  systemctl restart $gateway_unit || failed="machines reach nothing through $gateway: journalctl -u ${gateway_unit%.service} tells why"
}
step_gateway_off () {
  if [ -n "$systemd" ]; then
    # Who was killed here may have removed it.
    systemctl --quiet disable $gateway_unit 2>/dev/null || true
    systemctl stop $gateway_unit 2>/dev/null || true
  fi
  rm -f "$units/$gateway_unit"
  step_clear "$units/$gateway_unit.d"
  step_daemon_reload
}

# shellcheck disable=SC2086 # lists of words
step_stop () {
  if [ -z "$systemd" ]; then return; fi
  systemctl --quiet disable $found
  # Not all at once: then systemd stops the service first, and the next packet starts it.
  if [ -n "$sockets" ]; then systemctl stop $sockets; fi
  systemctl stop $running || true
}
step_clear () {
  rm -f "$1/interface.conf" "$1/listen.conf" "$1/hardening.conf" "$1/paths.conf" "$1/interfaces.conf"
  # What somebody else put there is theirs.
  rmdir "$1" 2>/dev/null || true
}
step_daemon_reload () { if [ -n "$systemd" ]; then systemctl daemon-reload; fi; }
step_leave () { rmdir "$1" 2>/dev/null || say "kept: $1, for what somebody else put there"; }
# What is in it, also where it is a link, but nothing on other file systems: somebody's images may be mounted there.
step_purge () {
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
step_no_account () {
  if have userdel; then userdel $user; elif have deluser; then deluser $user; else warn "no userdel and no deluser here: $user stays"; fi
  if grep -q "^$user:" /etc/group; then groupdel $user 2>/dev/null || delgroup $user 2>/dev/null || true; fi
}

# ---- in force

active () { [ -n "$systemd" ] && systemctl is-active --quiet "$1" 2>/dev/null; }

# ready SECONDS: waits until what is installed is what runs, under the units as they are on disk, with its ports its own, its
# files within its reach, and DHCP answered; says what is in the way when it is not.
# shellcheck disable=SC2086 # $alive is one word or none
ready () { "$current/bin/core-provisioner" doctor --wait "$1" $alive; }

# as_service WORD...: asks the program with the service's eyes: root can read what the service may not.
as_service () {
  set -- setup "$@" --as $user --config $config
  if [ -f $etc/environment ]; then set -- "$@" --env-file $etc/environment; fi
  "$home/bin/core-provisioner" "$@"
}

# What runs has read its files, and what takes its place has to: a version that could not is not put in force. Of one that does not run
# only that is known which a newer version wrote.
check_files () {
  if [ -n "$dry_run" ] || [ -z "$previous" ] || [ "$previous" = "$home" ]; then return; fi
  if "$home/bin/core-provisioner" doctor --files --as $user >"$work/doctor" 2>&1; then return; fi
  if active $service; then stays='runs on' of='.*'; else stays='stays in force' of='state: .* written by a newer .*'; fi
  # What only has to be named to systemd is with the units that follow.
  sed -n "s/^PROBLEM *\\($of\\)\$/\\1/p" "$work/doctor" | sed '/: run install.sh again, which names it/d' >"$work/unreadable"
  if [ ! -s "$work/unreadable" ] && { ! active $service || grep -q '^PROBLEM' "$work/doctor"; }; then return; fi
  cat "$work/unreadable" >&2
  die "${previous##*/} $stays: $version could not read or write (as $user) what is named above; $home holds it, and nothing else was changed"
}

# Which units start, now as at boot: those that the configuration has work for.
# shellcheck disable=SC2086 # lists of words
enable_units () { systemctl --quiet disable $unwanted 2>/dev/null || true; systemctl --quiet enable $service $sockets ${gateway:+$gateway_unit}; }

# (Re)starts what changed; answers whether the service is ready.
# shellcheck disable=SC2086 # lists of words
put_in_force () {
  # Sockets that stay open hold what comes in while the service is away. Those that close go first, by themselves: what waits in one
  # starts a service that has stopped. And before their units are read: whoever was killed here has left them closed, or to be read.
  systemctl stop ${sockets_changed:+$sockets} $unwanted 2>/dev/null || true
  systemctl daemon-reload
  enable_units
  { systemctl reset-failed $service $sockets 2>/dev/null || true; systemctl start $sockets || true; }
  # Not restart: the old process must not answer for the new one, and a start that hangs is waited for here.
  systemctl stop $service 2>/dev/null || true
  systemctl --no-block start $service
  ready $patience
}

start_service () {
  if [ -z "$systemd" ] || [ -z "$start" ]; then
    if have systemctl && [ -z "$dry_run" ]; then enable_units; fi
    if [ -n "$systemd" ]; then say "not started: systemctl start $service"; else say 'not started: systemd does not run here'; fi
  elif [ "$changes" = 0 ] && [ -z "$restart" ] && active $service && ready 0; then
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
    die "it stays installed: mend what its last words name (its settings are in $config) and run this again, or take it off with --uninstall"
  fi
  warn "Going back to ${previous##*/}."
  step_link $current "$previous"
  if [ -n "$older" ]; then step_link $opt/previous "$older"; else rm -f $opt/previous; fi
  rm -rf "$work/files"
  # The units as that version has them.
  set -- --to "$work" --config $config
  if [ -f $etc/environment ]; then set -- "$@" --env-file $etc/environment; fi
  "$previous/bin/core-provisioner" setup files "$@" || die "${previous##*/} can't set up that configuration (above)"
  # shellcheck source=/dev/null
  . "$work/settings"
  carry_out switch
  if put_in_force; then die "${previous##*/} runs again; $version lies in $home"; fi
  die "${previous##*/} is not ready either: journalctl -u core-provisioner"
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
  if [ -z "$systemd" ] || [ -z "$start" ]; then set -- --idle "$@"; fi
  ask plan "$@"
  # A store with a broken file is not ready before the upgrade either, and no reason to take it back.
  alive=''
  if active $service && ! ready 3 2>"$work/unready"; then
    say "note: the version that runs is not ready; the new one has to answer, and no more: $(sed -n 1p "$work/unready")"
    alive=--alive
  fi
  carry_out before
  check_files
  carry_out switch
  if [ -z "$dry_run" ]; then as_service look || warn "note: $home cannot be looked at as the user $user: may that user read it?"; fi
  start_service
  carry_out after
  if [ -z "$dry_run" ]; then
    if [ -z "$previous" ]; then set -- --first; else set --; fi
    as_service next "$@" ${made_certs:+--new-certs} || true
  fi
  if [ "$changes" = 0 ]; then say 'nothing to do'; fi
  [ -z "$failed" ] || die "$failed"
}

remove () {
  ask removal ${purge:+--purge} ${yes:+--yes} "$@"
  carry_out removal
  if [ "$changes" = 0 ]; then say 'nothing to do'; fi
}

main () {
  start=yes uninstall='' purge='' yes='' dry_run=''
  bundle=$(CDPATH='' cd -P -- "$(dirname -- "$0")" && pwd -P)
  unset LD_LIBRARY_PATH LD_PRELOAD NODE_OPTIONS
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
      -h | --help) program setup help; exit ;;
      *) set -- "$@" "$argument" ;;
    esac
  done
  [ "$(uname -m)" = x86_64 ] || die "this bundle is for x86-64, and this machine is $(uname -m)"
  [ -n "$dry_run" ] || [ "$(id -u)" = 0 ] || die 'this needs root: run it with sudo'
  systemd=''
  if have systemctl && [ -d /run/systemd/system ]; then systemd=yes; fi
  work=$(mktemp -d "${TMPDIR:-/tmp}/core-provisioner.XXXXXX")
  partial='' locked='' made_certs='' failed=''
  trap 'rm -rf "$work" ${partial:+"$partial"} ${locked:+"$lock_folder"}' EXIT
  trap 'exit 130' INT TERM HUP
  [ -n "$dry_run" ] || lock
  if [ -n "$uninstall" ]; then remove "$@"; else install ${purge:+--purge} "$@"; fi
}

main "$@"
