package agent

// Config is what check "agent" may hold beside what every check has.
type Config struct {
	Send        string `attr:"send" doc:"what is sent when connected; nothing without it"`
	Unreachable string `attr:"unreachable" default:"down" oneof:"down,keep" doc:"what an agent that does not answer means: the server is down, or it keeps state and weight"`
}
