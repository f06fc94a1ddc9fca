// Package words holds the built-in texts, word lists, questions and categories
// of the conversation. Each is a file that people who know no Go may edit; a
// folder of the same form laid over it replaces texts and adds words.
package words

import "embed"

// FS is the folder of the built-in files.
//
//go:embed *.yaml
var FS embed.FS
