package turn

import (
	"context"
	"strings"

	"aduan/conversation"
	"aduan/internal/desk"
)

// templates are the agency's own texts for a push, by language: those of its template of that name ("name" of any language,
// "name.en" of one). Nil: none is asked for.
func (d *Desk) templates(ctx context.Context, r desk.StatusRequest) (map[string]string, error) {
	if r.Template == "" {
		return nil, nil
	}
	_, head, err := d.load(ctx, r.Number, r.Viewer)
	if err != nil {
		return nil, err
	}
	name := head.Agency
	if r.Agency != nil {
		name = *r.Agency
	}
	found := map[string]string{}
	if d.t.o.Templates != nil {
		all, err := d.t.o.Templates(ctx, name)
		if err != nil {
			return nil, unavailable(err)
		}
		for key, text := range all {
			if base, lang, ok := strings.Cut(key, "."); base == r.Template {
				if found[lang] = text; ok && lang == "" {
					delete(found, lang)
				}
			}
		}
	}
	if len(found) == 0 {
		return nil, &desk.Invalid{Field: "template", Reason: "the ticket's agency has no template of this name"}
	}
	if r.Note != "" {
		for _, text := range found {
			if !conversation.TakesNote(text) {
				return nil, &desk.Invalid{Field: "note", Reason: "the template has no place for it: no {note}"}
			}
		}
	}
	return found, nil
}
