// Package guide runs the pages of docs that take a reader by the hand: every command, every file and every output in them.
package guide
