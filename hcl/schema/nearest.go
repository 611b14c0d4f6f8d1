package schema

import "strings"

// Nearest returns the name that a misspelt one most likely stood for, or "" when none is near enough: the distance, in letters
// inserted, left out, changed or swapped with their neighbour, is at most two, and at most a third of the word.
func Nearest(wrong string, names []string) string {
	wrong = strings.ToLower(wrong)
	best, nearest := min(2, max(1, len(wrong)/3))+1, ""
	for _, name := range names {
		if d := len(name) - len(wrong); d >= best || -d >= best {
			continue
		}
		if d := distance(wrong, strings.ToLower(name)); d < best {
			best, nearest = d, name
		}
	}
	return nearest
}

// distance is the optimal string alignment distance of two words, in bytes.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
