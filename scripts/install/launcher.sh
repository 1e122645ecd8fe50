#!/bin/sh
# Starts the program with the Node.js and the C library of its own folder, whatever this system has.

# /usr/local/bin/core-provisioner is a link to this file: the folder is where the link leads to.
self=$0
case $self in */*) ;; *) self=$(command -v -- "$self") ;; esac
while [ -L "$self" ]; do
  target=$(readlink "$self")
  case $target in /*) self=$target ;; *) self=${self%/*}/$target ;; esac
done
# Without links in it: what runs keeps to its own version when `current` comes to mean another one.
dir=$(CDPATH='' cd -P -- "${self%/*}/.." && pwd -P) || exit 127

# Libraries of the system are for the system's C library.
unset LD_LIBRARY_PATH LD_PRELOAD
# What this program starts as a process of its own starts here too: by itself Node.js would name the loader below as its program.
export CORE_PROVISIONER_LAUNCHER="$dir/bin/core-provisioner"
# Threads for files, of which a disk that does not answer holds some (disk/disk-turns); Node.js has four.
export UV_THREADPOOL_SIZE="${UV_THREADPOOL_SIZE:-24}"
# -- because Node.js 20 takes --env-file for its own wherever it stands.
# lib/core-provisioner is a link to the loader: ps shows that name. Places in the sources instead of in main.js are told by
# NODE_OPTIONS=--enable-source-maps, for 80 MB of memory.
exec "$dir/lib/core-provisioner" --inhibit-cache --library-path "$dir/lib" "$dir/lib/node" -- "$dir/app/main.js" "$@"
