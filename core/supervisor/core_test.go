package supervisor

// beCore is a core in a process of its own, which a test kills.
func beCore() {}
