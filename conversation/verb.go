package conversation

// All that the engine knows of a command is here: its verb, what may follow its word (rest), and what it does (command).
// A new one is a row in each of these and its words and texts in the catalogues; `aduan check` names what is missing there.

// verb is what a command does.
type verb int

// The verbs. A message is one only when all of it fits the command's form.
const (
	vNone verb = iota
	vReport
	vReportAlone // "mau ngadu": only without text
	vSuggest
	vAsk
	vInfo // asks only with a ? or a word of asks_info
	vSecret
	vStatus
	vAdd
	vCancel
	vHelp
	vLanguage
	vStop
	vStart
	vErase
	vMistyped // a number whose digits are wrong; no word of its own
)

// verbNames are the commands as the files name them.
var verbNames = map[string]verb{
	"report": vReport, "report_alone": vReportAlone, "suggest": vSuggest, "ask": vAsk, "info": vInfo, "secret": vSecret,
	"status": vStatus, "add": vAdd, "cancel": vCancel, "help": vHelp, "language": vLanguage,
	"stop": vStop, "start": vStart, "erase": vErase,
}

// files tells whether text after the word is a ticket of its own.
func (v verb) files() bool {
	return v == vReport || v == vSuggest || v == vAsk || v == vInfo || v == vSecret
}

// kind is what a verb that files brings.
func (v verb) kind() Kind {
	switch v {
	case vSuggest:
		return Suggestion
	case vAsk, vInfo:
		return Information
	default:
		return Complaint
	}
}

// numbered tells whether a ticket number may follow the word.
func (v verb) numbered() bool { return v == vStatus || v == vAdd || v == vCancel }

// rest decides by what follows the command's word.
func (p *parser) rest(v verb, i int) command {
	alone := i >= len(p.f)
	switch v {
	case vReport, vSuggest, vSecret:
		return command{verb: v, text: !p.all(i, lead)}
	case vReportAlone:
		if p.all(i, lead) {
			return command{verb: vReport}
		}
	case vAsk, vInfo:
		if p.all(i, lead) {
			return command{verb: vHelp}
		}
		if v == vAsk || p.ts.asks || p.any(i, asksInfo) {
			return command{verb: vAsk, text: true}
		}
	case vStatus, vCancel:
		if p.all(i, tail) {
			return command{verb: v}
		}
		return p.numbered(v, i)
	case vAdd:
		if alone {
			return command{verb: v, usage: true}
		}
		return p.numbered(v, i)
	case vLanguage:
		if alone {
			return command{verb: v, usage: true}
		}
		if i+1 == len(p.f) && !p.at(i).digits {
			lang, ok := p.w.names[p.at(i).word]
			return command{verb: v, lang: lang, usage: !ok}
		}
	default: // help, stop, start, erase
		if alone {
			return command{verb: v}
		}
	}
	return command{}
}

// command does what a command says.
func (st *step) command(c command) {
	switch c.verb {
	case vReport, vSuggest, vAsk, vSecret:
		kind := c.verb.kind()
		if c.text {
			st.file(kind, c.verb == vSecret)
			return
		}
		st.drop(func(q *Question) bool { return q.Ask == AskWhat || q.confirms() })
		st.ask(Question{Ask: AskWhat, Kind: kind, Secret: c.verb == vSecret, Until: st.now.Add(detailTime)})
		st.say("what_"+string(kind), values{})
	case vStatus:
		st.showStatus(c)
	case vMistyped:
		st.say("mistyped", values{})
	case vAdd:
		st.addTo(c)
	case vCancel:
		st.cancel(c)
	case vHelp:
		st.say("help", values{})
	case vLanguage:
		if c.usage {
			st.say("language_usage", values{})
			return
		}
		st.s.Language, st.lang = c.lang, c.lang
		st.say("language_set", values{})
	case vStop:
		if !st.s.OptedOut {
			st.s.OptedOut = true
			st.event(EventOptedOut, 0)
		}
		st.say("stopped", values{})
	case vStart:
		if st.s.OptedOut {
			st.s.OptedOut = false
			st.event(EventOptedIn, 0)
		}
		st.say("started", values{})
	case vErase:
		st.askConfirm(Question{Ask: AskErase})
		st.say("confirm_erase", values{})
	}
}
