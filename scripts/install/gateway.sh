#!/bin/sh
# gateway.sh up|down: lets the networks in $NETWORKS, on the interfaces in $INSIDE, out through the interface $OUTSIDE under its address
# (masquerading), by nftables or iptables, whichever is there; core-provisioner-gateway.service runs it. What is made here has names
# of its own, and goes with `down`. Forwarding is switched on for those interfaces alone; what comes in by them and is not of the
# gateway goes nowhere, unless it was forwarded before. POSIX sh and nothing more than busybox has.
set -eu
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
export LC_ALL PATH

table=core_provisioner_gateway
chain=CORE-PROVISIONER
kept=${RUNTIME_DIRECTORY:-/run/core-provisioner-gateway}
settings=/proc/sys/net/ipv4/conf

die () { printf 'gateway.sh: %s\n' "$*" >&2; exit 1; }
have () { command -v "$1" >/dev/null 2>&1; }
# $1 and what follows it, with commas between.
joined () { printf '%s' "$1"; shift; for each; do printf ', %s' "$each"; done; }
iptables_ () { iptables -w "$@" 2>/dev/null || iptables "$@"; }

# nftables, unless somebody keeps what iptables forwards to himself (Docker does): a rule of nftables can't let it through.
uses_nft () {
  have nft && nft list tables >/dev/null 2>&1 || return 1
  ! have iptables || ! iptables_ -S FORWARD 2>/dev/null | grep -q '^-P FORWARD DROP'
}

# The interfaces that forwarded nothing before.
new_ones () { for each in $INSIDE $OUTSIDE; do if [ "$(cat "$kept/$each")" = 0 ]; then printf '%s\n' "$each"; fi; done; }

# What forwards before anything is changed: of two times up the first one saw it.
remember () {
  mkdir -p "$kept"
  for each in $INSIDE $OUTSIDE; do
    [ -d "$settings/$each" ] || die "there is no interface $each"
    [ -f "$kept/$each" ] || cat "$settings/$each/forwarding" >"$kept/$each"
  done
}

# shellcheck disable=SC2086 # lists of words
nft_rules () {
  inside="{ $(joined $INSIDE) }" networks="{ $(joined $NETWORKS) }"
  echo "add table ip $table"
  echo "delete table ip $table"
  echo "table ip $table {"
  echo '  chain forward {'
  echo '    type filter hook forward priority 0; policy accept;'
  echo "    iifname $inside oifname \"$OUTSIDE\" ip saddr $networks accept"
  echo "    iifname \"$OUTSIDE\" oifname $inside ct state established,related accept"
  echo "    iifname \"$OUTSIDE\" oifname $inside drop"
  for each in $(new_ones); do echo "    iifname \"$each\" drop"; done
  echo '  }'
  echo '  chain postrouting {'
  echo '    type nat hook postrouting priority 100; policy accept;'
  echo "    oifname \"$OUTSIDE\" ip saddr $networks masquerade"
  echo '  }'
  # Below 4.18 no reply is found without a chain that sees it come in.
  echo '  chain prerouting { type nat hook prerouting priority -100; policy accept; }'
  echo '}'
}

iptables_rules () {
  iptables_down
  iptables_ -N $chain
  iptables_ -t nat -N $chain
  for each in $INSIDE; do
    for network in $NETWORKS; do iptables_ -A $chain -i "$each" -o "$OUTSIDE" -s "$network" -j ACCEPT; done
    iptables_ -A $chain -i "$OUTSIDE" -o "$each" -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
    iptables_ -A $chain -i "$OUTSIDE" -o "$each" -j DROP
  done
  for each in $(new_ones); do iptables_ -A $chain -i "$each" -j DROP; done
  for network in $NETWORKS; do iptables_ -t nat -A $chain -s "$network" -o "$OUTSIDE" -j MASQUERADE; done
  iptables_ -I FORWARD 1 -j $chain
  iptables_ -t nat -I POSTROUTING 1 -j $chain
}
iptables_down () {
  have iptables || return 0
  for at in 'filter FORWARD' 'nat POSTROUTING'; do
    # shellcheck disable=SC2086 # two words
    set -- $at
    while iptables_ -t "$1" -D "$2" -j $chain 2>/dev/null; do :; done
    iptables_ -t "$1" -F $chain 2>/dev/null || true
    iptables_ -t "$1" -X $chain 2>/dev/null || true
  done
}

down () {
  # Forwarding first: without the rules nothing would hold back what it lets through.
  for file in "$kept"/*; do
    each=${file##*/}
    if [ ! -f "$file" ]; then continue; fi
    if [ -d "$settings/$each" ]; then cat "$file" >"$settings/$each/forwarding"; fi
    rm -f "$file"
  done
  if have nft; then nft delete table ip $table 2>/dev/null || true; fi
  iptables_down
}

up () {
  if [ -z "${INSIDE:-}" ] || [ -z "${OUTSIDE:-}" ] || [ -z "${NETWORKS:-}" ]; then die 'INSIDE, OUTSIDE and NETWORKS say for whom, and through what'; fi
  have nft || have iptables || die 'neither nft nor iptables is here: install nftables'
  for file in "$kept"/*; do
    # Of interfaces that are none of its own any more.
    case " $INSIDE $OUTSIDE " in *" ${file##*/} "*) ;; *) if [ -f "$file" ]; then down; break; fi ;; esac
  done
  remember
  # Rules first, for the same reason.
  if uses_nft; then
    iptables_down
    nft_rules | nft -f -
  else
    if have nft; then nft delete table ip $table 2>/dev/null || true; fi
    iptables_rules
  fi
  for each in $INSIDE $OUTSIDE; do echo 1 >"$settings/$each/forwarding"; done
}

case ${1:-} in
  up) up ;;
  down) down ;;
  *) printf 'usage: gateway.sh up|down\n' >&2; exit 2 ;;
esac
