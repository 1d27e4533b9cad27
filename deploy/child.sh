#!/bin/sh
# Keeps a program alive exactly as long as its parent; argued in child.ts.
# child.sh SIGNAL TENTHS COMMAND [ARGS]
# Standard input is the life line; fd 3 gets the pid and, at the end, the exit code.
signal=$1 tenths=$2
shift 2
exec 4<&0
{
  trap 'kill -s "$signal" "$program"' TERM
  "$@" </dev/null 3>&- 4<&- &
  program=$!
  echo "$program" >&3
  {
    read -r _end <&4
    kill -s "$signal" "$program"
    while kill -0 "$program" && [ "$tenths" -gt 0 ]; do
      sleep 0.1
      tenths=$((tenths - 1))
    done
    kill -s KILL "$program"
  } >/dev/null 2>&1 3>&- &
  watcher=$!
  # A trapped signal interrupts wait before the program has ended, hence the second look.
  while
    wait "$program"
    code=$?
    kill -0 "$program" 2>/dev/null
  do :; done
  kill "$watcher" 2>/dev/null
  echo "$code" >&3
} 2>&1 | {
  cat
  exec cat >/dev/null
} 3>&- 4<&-
