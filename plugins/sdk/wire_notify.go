package sdk

import "github.com/evenkeel/evenkeel/plugins/sdk/pluginv1"

func eventOut(e Event) *pluginv1.Event {
	return &pluginv1.Event{
		Id:      e.ID,
		Time:    timeOut(e.Time),
		Kind:    text(e.Kind),
		Subject: text(e.Subject),
		From:    text(e.From),
		To:      text(e.To),
		Reason:  text(e.Reason),
		Cause:   e.Cause,
	}
}

func eventIn(m *pluginv1.Event) (e Event, err error) {
	e = Event{
		ID:      m.GetId(),
		Kind:    m.GetKind(),
		Subject: m.GetSubject(),
		From:    m.GetFrom(),
		To:      m.GetTo(),
		Reason:  m.GetReason(),
		Cause:   m.GetCause(),
	}
	e.Time, err = timeIn("time of the event", m.GetTime())
	return e, err
}

func deliveryOut(d Delivery) *pluginv1.NotifyServiceDeliverRequest {
	return &pluginv1.NotifyServiceDeliverRequest{
		Receiver:   d.Receiver,
		ConfigJson: d.Config,
		Director:   d.Director,
		Event:      eventOut(d.Event),
	}
}

func deliveryIn(m *pluginv1.NotifyServiceDeliverRequest) (d Delivery, err error) {
	d = Delivery{Receiver: m.GetReceiver(), Config: configIn(m.GetConfigJson()), Director: m.GetDirector()}
	d.Event, err = eventIn(m.GetEvent())
	return d, err
}
