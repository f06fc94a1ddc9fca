package conversation

import "slices"

// role says how a text of the catalogue is used, and so how long it may be.
type role int

const (
	whole role = iota // an SMS of its own
	ahead             // before a head: the emergency number
	head              // what happened; a tail may follow
	about             // names the ticket of the question that follows
	tailR             // what plain text answers now, or how to go on
	open              // ends in words of staff, cut or counted when they come
)

// message is a text that every catalogue must have.
type message struct {
	key   string
	role  role
	holds []string // its placeholders, each once at least
}

// detailPrefix begins the key of a configured question's text.
const detailPrefix = "ask_"

// messages are the texts of a catalogue. Besides, each configured question has
// its own under ask_NAME, a tail.
var messages = []message{
	{"emergency", ahead, nil},
	{"about", about, []string{"ticket"}},

	{"filed_complaint", head, []string{"ticket"}},
	{"filed_suggestion", head, []string{"ticket"}},
	{"filed_information", head, []string{"ticket"}},
	{"added", head, []string{"ticket"}},
	{"answered", head, []string{"ticket"}},
	{"passed", head, []string{"ticket"}},
	{"rated", head, []string{"ticket"}},
	{"reopened", head, []string{"ticket"}},
	{"withdrawn", head, []string{"ticket"}},
	{"not_withdrawn", head, []string{"ticket"}},
	{"dropped", head, []string{"ticket"}},

	{"tail_filed", tailR, []string{"ticket"}},
	{"tail_added", tailR, nil},
	{"tail_stayed", tailR, nil},
	{"tail_dropped", tailR, []string{"ticket"}},
	{"ask_rating", tailR, nil},
	{"ask_reason", tailR, nil},
	{"ask_officer", open, []string{"words"}},

	{"what_complaint", whole, nil},
	{"what_suggestion", whole, nil},
	{"what_information", whole, nil},
	{"status_one", whole, []string{"ticket", "status", "date"}},
	{"status_added", whole, []string{"ticket", "status", "date"}},
	{"status_list", whole, []string{"statuses"}},
	{"status_none", whole, nil},
	{"mistyped", whole, nil},
	{"unknown", whole, nil},
	{"damaged", whole, nil},
	{"over", whole, []string{"ticket", "status"}},
	{"add_usage", whole, nil},
	{"language_usage", whole, nil},
	{"language_set", whole, nil},
	{"help", whole, nil},
	{"how", whole, nil},
	{"thanks", whole, nil},
	{"stopped", whole, nil},
	{"started", whole, nil},
	{"confirm_withdraw", whole, []string{"ticket"}},
	{"choose", whole, []string{"choices"}},
	{"nothing_to_cancel", whole, nil},
	{"what_dropped", whole, nil},
	{"confirm_erase", whole, nil},
	{"not_erased", whole, nil},
	{"erasing", whole, nil},
	{"erase_stopped", whole, nil},
	{"flood", whole, nil},
	{"unreadable", whole, nil},

	{"push_status", open, []string{"ticket", "status"}},
	{"push_question", open, []string{"ticket", "words"}},
	{"push_broadcast", open, []string{"ticket", "words"}},
}

// tell are the commands that a text is there to tell.
var tell = map[string][]verb{
	"tail_filed": {vStatus}, "tail_added": {vReport}, "tail_stayed": {vErase}, "tail_dropped": {vCancel},
	"status_one": {vAdd}, "status_list": {vStatus}, "status_none": {vReport}, "mistyped": {vStatus}, "unknown": {vStatus}, "damaged": {vStatus},
	"over": {vReport}, "add_usage": {vAdd}, "language_usage": {vLanguage}, "language_set": {vHelp},
	"help": {vReport, vSecret, vSuggest, vAsk, vStatus, vAdd, vCancel, vLanguage, vStop, vErase},
	"how":  {vHelp}, "thanks": {vStatus, vHelp}, "stopped": {vStart}, "started": {vStop}, "nothing_to_cancel": {vHelp},
	"what_dropped": {vStatus, vCancel}, "erasing": {vCancel},
}

// tells returns the commands that the text must tell.
func (m *message) tells() []verb { return tell[m.key] }

// listed is how many tickets one SMS lists at most.
const listed = 3

// longest returns the longest that a placeholder's value can be, in septets.
// A number has at most 11 characters as long as a shard has under ten million tickets.
func (c *catalogue) longest(placeholder string) int {
	status, month := 0, 0
	for _, s := range c.statuses {
		status = max(status, len(s))
	}
	for _, m := range c.months {
		month = max(month, len(m))
	}
	switch placeholder {
	case "ticket":
		return 11
	case "status":
		return status
	case "date":
		return 3 + month // "23 Nov"
	case "statuses":
		return listed*(11+1+status) + (listed-1)*2
	case "choices":
		return listed*(3+11) + (listed-1)*2
	default: // words of staff are cut or counted when they come
		return 0
	}
}

// keysOf returns the messages wanted where these questions are configured.
func keysOf(questions []detail) []message {
	all := slices.Clone(messages)
	for i := range questions {
		all = append(all, message{detailPrefix + questions[i].name, tailR, nil})
	}
	return all
}
