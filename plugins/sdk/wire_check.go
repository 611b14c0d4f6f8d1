package sdk

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"
)

func targetOut(t Target) *pluginv1.Target {
	return &pluginv1.Target{
		Id:            t.ID,
		Address:       addrOut(t.Address),
		Port:          uint32(t.Port),
		Schedule:      scheduleOut(t.Schedule),
		ConfigJson:    t.Config,
		Initial:       stateOut(t.Initial),
		WeightPercent: factorOut(t.Factor),
		Egress:        egressOut(t.Egress),
	}
}

func targetIn(m *pluginv1.Target) (t Target, err error) {
	t = Target{ID: m.GetId(), Config: configIn(m.GetConfigJson())}
	if t.ID == "" {
		return t, fmt.Errorf("reading a target: it has no id")
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("target %q: %w", clip(t.ID), err)
		}
	}()
	if t.Address, err = addrIn(m.GetAddress()); err != nil {
		return t, err
	}
	if t.Port, err = fit[uint16]("port", m.GetPort()); err != nil {
		return t, err
	}
	if t.Schedule, err = scheduleIn(m.GetSchedule()); err != nil {
		return t, err
	}
	if t.Initial, err = stateIn(m.GetInitial()); err != nil {
		return t, err
	}
	if t.Egress, err = egressIn(m.GetEgress()); err != nil {
		return t, err
	}
	t.Factor, err = factorIn(m.WeightPercent)
	return t, err
}

// egressOut leaves one that says nothing out.
func egressOut(e Egress) *pluginv1.Egress {
	if e.IsZero() {
		return nil
	}
	return &pluginv1.Egress{Source: addrOut(e.Source), Interface: e.Interface, Mark: e.Mark, Toward: addrOut(e.Toward)}
}

func egressIn(m *pluginv1.Egress) (e Egress, err error) {
	e = Egress{Interface: m.GetInterface(), Mark: m.GetMark()}
	if e.Source, err = addrIn(m.GetSource()); err != nil {
		return e, err
	}
	e.Toward, err = addrIn(m.GetToward())
	return e, err
}

// configIn keeps "no configuration" nil.
func configIn(b []byte) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	return b
}

func scheduleOut(s Schedule) *pluginv1.Schedule {
	m := &pluginv1.Schedule{
		Interval:      durationOut(s.Interval),
		Timeout:       durationOut(s.Timeout),
		RetryInterval: durationOut(s.RetryInterval),
		Fall:          countOut(s.Fall),
		Rise:          countOut(s.Rise),
	}
	if s.Spread != 0 {
		m.Spread = durationOut(s.Spread)
	}
	return m
}

func scheduleIn(m *pluginv1.Schedule) (s Schedule, err error) {
	if s.Interval, err = durationIn("interval", m.GetInterval()); err != nil {
		return s, err
	}
	if s.Timeout, err = durationIn("timeout", m.GetTimeout()); err != nil {
		return s, err
	}
	if s.RetryInterval, err = durationIn("retry_interval", m.GetRetryInterval()); err != nil {
		return s, err
	}
	if m.GetFall() > math.MaxInt32 || m.GetRise() > math.MaxInt32 {
		return s, fmt.Errorf("reading fall %d, rise %d: too large", m.GetFall(), m.GetRise())
	}
	s.Fall, s.Rise = int(m.GetFall()), int(m.GetRise())
	s.Spread, err = durationIn("spread", m.GetSpread())
	return s, err
}

// countOut writes a count that is never negative.
func countOut(n int) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) }

func stateOut(s State) pluginv1.State {
	switch s {
	case StateUp:
		return pluginv1.State_STATE_UP
	case StateDown:
		return pluginv1.State_STATE_DOWN
	}
	return pluginv1.State_STATE_UNSPECIFIED
}

func stateIn(s pluginv1.State) (State, error) {
	switch s {
	case pluginv1.State_STATE_UNSPECIFIED:
		return StateUnknown, nil
	case pluginv1.State_STATE_UP:
		return StateUp, nil
	case pluginv1.State_STATE_DOWN:
		return StateDown, nil
	}
	return StateUnknown, fmt.Errorf("reading state %d: not a state", s)
}

// factorOut writes a factor; nil: it says nothing.
func factorOut(f Factor) *uint32 {
	percent, ok := f.Percent()
	if !ok {
		return nil
	}
	p := uint32(percent)
	return &p
}

func factorIn(percent *uint32) (Factor, error) {
	switch {
	case percent == nil:
		return 0, nil
	case *percent > MaxPercent:
		return 0, fmt.Errorf("reading a weight of %d %%: more than %d %%", *percent, MaxPercent)
	}
	return FactorOf(int(*percent)), nil
}

func targetUpdateOut(u TargetUpdate) *pluginv1.CheckServiceApplyRequest {
	return &pluginv1.CheckServiceApplyRequest{
		Generation: u.Generation,
		Full:       u.Full,
		Targets:    each(u.Targets, targetOut),
		Removed:    u.Removed,
	}
}

func targetUpdateIn(m *pluginv1.CheckServiceApplyRequest) (u TargetUpdate, err error) {
	u = TargetUpdate{Generation: m.GetGeneration(), Full: m.GetFull(), Removed: m.GetRemoved()}
	u.Targets, err = eachIn(m.GetTargets(), targetIn)
	return u, err
}

func verdictOut(v Verdict) *pluginv1.Verdict {
	return &pluginv1.Verdict{
		TargetId:      v.TargetID,
		State:         stateOut(v.State),
		Reason:        text(v.Reason),
		Since:         timeOut(v.Since),
		WeightPercent: factorOut(v.Factor),
	}
}

func verdictIn(m *pluginv1.Verdict) (v Verdict, err error) {
	v = Verdict{TargetID: m.GetTargetId(), Reason: text(m.GetReason())}
	if v.State, err = stateIn(m.GetState()); err != nil {
		return v, fmt.Errorf("verdict on %q: %w", clip(v.TargetID), err)
	}
	if v.Since, err = timeIn("since", m.GetSince()); err != nil || m == nil {
		return v, err
	}
	if v.Factor, err = factorIn(m.WeightPercent); err != nil {
		return v, fmt.Errorf("verdict on %q: %w", clip(v.TargetID), err)
	}
	return v, nil
}

func summaryOut(s Summary) *pluginv1.Summary {
	return &pluginv1.Summary{
		TargetId:  s.TargetID,
		Successes: s.Successes,
		Failures:  s.Failures,
		Latency:   durationOut(max(s.Latency, 0)),
		LastError: text(s.LastError),
	}
}

func summaryIn(m *pluginv1.Summary) (s Summary, err error) {
	s = Summary{TargetID: m.GetTargetId(), Successes: m.GetSuccesses(), Failures: m.GetFailures(), LastError: text(m.GetLastError())}
	s.Latency, err = durationIn("latency", m.GetLatency())
	return s, err
}

// reportBatch is how many verdicts and how many summaries travel in one message: with the longest reasons, 4000 of
// each are below 6 MB.
const reportBatch = 4000

// checkReportOut cuts a report into messages.
func checkReportOut(r CheckReport) []*pluginv1.CheckServiceWatchResponse {
	var out []*pluginv1.CheckServiceWatchResponse
	for {
		v, s := min(len(r.Verdicts), reportBatch), min(len(r.Summaries), reportBatch)
		m := &pluginv1.CheckServiceWatchResponse{
			Generation: r.Generation,
			Snapshot:   r.Snapshot,
			Verdicts:   each(r.Verdicts[:v], verdictOut),
			Summaries:  each(r.Summaries[:s], summaryOut),
		}
		r.Verdicts, r.Summaries = r.Verdicts[v:], r.Summaries[s:]
		m.More = len(r.Verdicts) > 0 || len(r.Summaries) > 0
		out = append(out, m)
		if !m.More {
			return out
		}
	}
}

// checkReportIn adds a message to the report that it belongs to.
func checkReportIn(r *CheckReport, m *pluginv1.CheckServiceWatchResponse) error {
	verdicts, err := eachIn(m.GetVerdicts(), verdictIn)
	if err != nil {
		return err
	}
	summaries, err := eachIn(m.GetSummaries(), summaryIn)
	if err != nil {
		return err
	}
	r.Generation, r.Snapshot = m.GetGeneration(), m.GetSnapshot()
	r.Verdicts = append(r.Verdicts, verdicts...)
	r.Summaries = append(r.Summaries, summaries...)
	return nil
}
