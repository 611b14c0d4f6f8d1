// Package conventions has nothing to call: its tests hold the house to the rules that it gave itself. Who may import whom,
// what lies where, what each plugin's folder has, and that generated code is what its source says.
package conventions
