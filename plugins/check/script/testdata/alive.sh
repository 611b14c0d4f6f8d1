#!/bin/sh
# What an operator may write: is the process there whose number the file has?
pid=$(cat "${1:?the pid file}") || exit 2
kill -0 "$pid" 2>/dev/null || {
	echo "no process $pid"
	exit 1
}
