package tcp

// Config is what check "tcp" may hold beside what every check has: nothing. A connection that is accepted is the answer.
type Config struct{}
