package smpp

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the instruments of all links. A nil *Metrics counts nothing.
type Metrics struct {
	state       *prometheus.GaugeVec
	sessions    *prometheus.GaugeVec
	windowUsed  *prometheus.GaugeVec
	windowSize  *prometheus.GaugeVec
	pdus        *prometheus.CounterVec
	binds       *prometheus.CounterVec
	faults      *prometheus.CounterVec
	responses   *prometheus.HistogramVec
	answerTimes *prometheus.HistogramVec
	certificate *prometheus.GaugeVec
	boundSince  *prometheus.GaugeVec
	reconnect   *prometheus.CounterVec
	enquiries   *prometheus.CounterVec
}

// NewMetrics registers the instruments; a nil registerer gives metrics that are shown nowhere.
func NewMetrics(r prometheus.Registerer) *Metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "aduan_smpp_" + name, Help: help}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aduan_smpp_" + name, Help: help}, labels)
	}
	seconds := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aduan_smpp_" + name, Help: help,
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, labels)
	}
	m := &Metrics{
		state:       gauge("link_state", "1 for the state in which the link is, 0 for the others.", "link", "state"),
		sessions:    gauge("sessions_bound", "Sessions that are bound.", "link"),
		windowUsed:  gauge("window_used", "Places of the submit_sm window that are taken: sent, or their outcome not stored yet.", "link"),
		windowSize:  gauge("window_size", "Places of the submit_sm window of all sessions.", "link"),
		pdus:        counter("pdus_total", "PDUs by direction (in, out), command and command_status.", "link", "direction", "command", "status"),
		binds:       counter("binds_total", "Answers to our binds by command_status.", "link", "status"),
		faults:      counter("errors_total", "Faults of the link by reason; each was survived.", "link", "reason"),
		responses:   seconds("response_seconds", "From a request of ours to its response.", "link", "command"),
		answerTimes: seconds("answer_seconds", "From the arrival of a message to our answer.", "link"),
	}
	m.boundSince = gauge("bound_since_timestamp_seconds", "Since when the link is bound, Unix time; 0: it is not.", "link")
	m.reconnect = counter("reconnects_total", "Sessions that ended, or could not be made, and are tried again, by reason.", "link", "reason")
	m.enquiries = counter("enquire_links_unanswered_total", "enquire_link that the SMSC did not answer in time; each ended its session.", "link")
	m.certificate = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "aduan_link_certificate_expiry_timestamp_seconds",
		Help: "When a certificate of the link's last TLS handshake expires, Unix time: side theirs or ours.",
	}, []string{"link", "side"})
	if r != nil {
		r.MustRegister(m.certificate, m.boundSince, m.reconnect, m.enquiries)
		r.MustRegister(m.state, m.sessions, m.windowUsed, m.windowSize, m.pdus, m.binds, m.faults, m.responses, m.answerTimes)
	}
	return m
}

// The reasons of aduan_smpp_errors_total.
const (
	faultFrame        = "command_length"      // not believable: the session ended
	faultCommand      = "unknown_command"     // answered generic_nack
	faultState        = "illegal_state"       // answered ESME_RINVBNDSTS
	faultBody         = "malformed"           // answered with its fault
	faultTLV          = "optional_parameters" // broken, the text was kept
	faultInHand       = "too_many_in_hand"    // answered ESME_RX_T_APPN
	faultUnexpected   = "unexpected_response" // late, twice, or unknown
	faultWrongType    = "wrong_response_type" // of another command than the request
	faultNack         = "generic_nack"        // for nothing that waits
	faultNoMessageID  = "no_message_id"       // accepted; no receipt can match
	faultTimeout      = "response_timeout"    // a request of ours without an answer
	faultPanic        = "panic"
	faultSecondAnswer = "second_answer" // a delivery answered twice
	faultTooLate      = "answer_after_close"
	faultWrite        = "write"
)

// direction is a label's value.
type direction string

const (
	directionIn  direction = "in"
	directionOut direction = "out"
)

// pduKey is one time series of aduan_smpp_pdus_total of one link.
type pduKey struct {
	direction direction
	command   CommandID
	status    Status
}

// instruments are a session's series, each looked up once. Its owner's only.
type instruments struct {
	pdus      map[pduKey]prometheus.Counter
	responses map[CommandID]prometheus.Observer
	answers   prometheus.Observer
}

func newInstruments() instruments {
	return instruments{pdus: make(map[pduKey]prometheus.Counter), responses: make(map[CommandID]prometheus.Observer)}
}

// counted counts a PDU.
func (s *Session) counted(d direction, id CommandID, status Status) {
	s.pulse.counted(d, id)
	if s.o.Metrics == nil {
		return
	}
	key := pduKey{d, id, status}
	c, ok := s.series.pdus[key]
	if !ok {
		c = s.pduSeries(key)
	}
	c.Inc()
}

func (s *Session) pduSeries(key pduKey) prometheus.Counter {
	if !key.command.Known() { // the peer must not make up series without end
		key.command = unknownCommand
	}
	if _, ok := statuses[key.status]; !ok {
		key.status = unknownStatus
	}
	c, ok := s.series.pdus[key]
	if !ok {
		c = s.o.Metrics.pdus.WithLabelValues(s.o.Name, string(key.direction), commandLabel(key.command), statusLabel(key.status))
		s.series.pdus[key] = c
	}
	return c
}

const (
	unknownCommand CommandID = 0x7FFFFFFF
	unknownStatus  Status    = 0xFFFFFFFF
)

func commandLabel(id CommandID) string {
	if id == unknownCommand {
		return "unknown"
	}
	return id.String()
}

func statusLabel(s Status) string {
	if _, ok := statuses[s]; !ok {
		return "other"
	}
	return s.String()
}

func (m *Metrics) fault(link, reason string) {
	if m != nil {
		m.faults.WithLabelValues(link, reason).Inc()
	}
}

func (m *Metrics) bound(link string, status Status) {
	if m != nil {
		m.binds.WithLabelValues(link, statusLabel(status)).Inc()
	}
}

// responded times a request of ours.
func (s *Session) responded(id CommandID, d time.Duration) {
	if id == CmdSubmitSM {
		s.pulse.responses[bucket(d)].Add(1)
	}
	if s.o.Metrics == nil {
		return
	}
	o := s.series.responses[id]
	if o == nil {
		o = s.o.Metrics.responses.WithLabelValues(s.o.Name, commandLabel(id))
		s.series.responses[id] = o
	}
	o.Observe(max(d.Seconds(), 0))
}

// answered times an answer of ours.
func (s *Session) answered(d time.Duration) {
	s.pulse.answers[bucket(d)].Add(1)
	if s.o.Metrics == nil {
		return
	}
	if s.series.answers == nil {
		s.series.answers = s.o.Metrics.answerTimes.WithLabelValues(s.o.Name)
	}
	s.series.answers.Observe(max(d.Seconds(), 0))
}

// show sets the gauges to what the link's status says.
func (m *Metrics) show(s LinkStatus) {
	if m == nil {
		return
	}
	for _, state := range linkStates {
		v := 0.0
		if state == s.State {
			v = 1
		}
		m.state.WithLabelValues(s.Name, state).Set(v)
	}
	bound := 0
	for _, session := range s.Sessions {
		if session.State.Bound() {
			bound++
		}
	}
	m.sessions.WithLabelValues(s.Name).Set(float64(bound))
	since := 0.0
	if s.State == LinkBound {
		since = float64(s.Since.Unix())
	}
	m.boundSince.WithLabelValues(s.Name).Set(since)
	m.windowSize.WithLabelValues(s.Name).Set(float64(s.WindowSize))
}

// begin shows a link's counters at 0, so that their first step is seen as one.
func (m *Metrics) begin(link string) {
	if m == nil {
		return
	}
	m.enquiries.WithLabelValues(link)
	for _, reason := range endings {
		m.reconnect.WithLabelValues(link, reason)
	}
}

func (m *Metrics) reconnects(link, reason string) {
	if m != nil {
		m.reconnect.WithLabelValues(link, reason).Inc()
	}
}

func (m *Metrics) unanswered(link string) {
	if m != nil {
		m.enquiries.WithLabelValues(link).Inc()
	}
}

// Forget takes the gauges of a link away that is not served any more; what was counted stays.
func (m *Metrics) Forget(link string) {
	if m == nil {
		return
	}
	of := prometheus.Labels{"link": link}
	for _, gauge := range []*prometheus.GaugeVec{m.state, m.sessions, m.windowUsed, m.windowSize, m.boundSince, m.certificate} {
		gauge.DeletePartialMatch(of)
	}
}

// window is the gauge of a link's places taken; nil where nothing is counted.
func (m *Metrics) window(link string) prometheus.Gauge {
	if m == nil {
		return nil
	}
	return m.windowUsed.WithLabelValues(link)
}

// certified shows when the certificates of a link expire.
func (m *Metrics) certified(link string, c Certificates) {
	if m == nil {
		return
	}
	for side, end := range map[string]time.Time{"theirs": c.Theirs, "ours": c.Ours} {
		if !end.IsZero() {
			m.certificate.WithLabelValues(link, side).Set(float64(end.Unix()))
		}
	}
}
