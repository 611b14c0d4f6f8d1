package machine

import "time"

// skewTime returns Skew_Time. Version 2: (256 - priority) / 256 seconds, whatever the interval (RFC 3768 section 6.1).
// Version 3: (256 - priority) x Master_Adver_Interval / 256 (RFC 9568 section 6.1).
func skewTime(version, priority uint8, interval time.Duration) time.Duration {
	if version == 2 {
		interval = time.Second
	}
	return time.Duration(256-int(priority)) * interval / 256
}

// masterDownTime returns Master_Down_Interval: 3 x Master_Adver_Interval + Skew_Time.
func masterDownTime(version, priority uint8, interval time.Duration) time.Duration {
	return 3*interval + skewTime(version, priority, interval)
}

func (in *Instance) skew() time.Duration {
	return skewTime(in.config.Version, in.priority, in.interval)
}

func (in *Instance) masterDown() time.Duration {
	return masterDownTime(in.config.Version, in.priority, in.interval)
}

// intervalOf returns the interval of the master that sent an advert. Version 2 knows only its own: an advert with another
// one never comes here.
func (in *Instance) intervalOf(a Advert) time.Duration {
	if in.config.Version == 2 || a.Interval <= 0 {
		return in.config.AdvertInterval
	}
	return a.Interval
}
