package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Examination is one step of looking at a store that may be in use.
type Examination struct {
	Name   string // login, version, promise, commands, schema, key, tickets
	Detail string // what was found
	Err    error  // what is wrong, in words; nil: nothing
	Note   bool   // it works, and a person should know Detail
}

// oldest is the oldest Redis whose scripts can do what ours need.
const oldestMajor, oldestMinor = 6, 2

// Examine looks at the store that o names step by step, tells each, and stops at the first that makes the next
// pointless. It writes to scratch keys only, and reads every ticket. A line may run on it meanwhile.
func Examine(ctx context.Context, o Options, tell func(Examination)) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	if o.Mode == ModeEmbedded {
		tell(Examination{Name: "login", Detail: "the store is in the daemon's memory: nobody else can look at it", Note: true})
		return nil
	}
	if o.Mode == ModeManaged {
		keyFile := o.KeyFile
		if keyFile == "" {
			keyFile = filepath.Clean(o.DataDir) + ".key"
		}
		if _, err := os.Stat(keyFile); errors.Is(err, fs.ErrNotExist) {
			tell(Examination{Name: "login", Detail: fmt.Sprintf("there is no store in %s yet: the daemon makes it at its first start", o.DataDir), Note: true})
			return nil
		}
	}
	master, err := lineKey(o)
	if err != nil {
		return err
	}
	keys, err := newSealer(master)
	if err != nil {
		return err
	}
	var child *managed
	if o.Mode == ModeManaged {
		if child, err = startManaged(o, master); err != nil {
			return err
		}
		defer child.stop()
		child.awaitSocket(ctx)
		o.Addresses, o.Password, o.Username = []string{"unix:" + child.socket}, child.password, ""
		o.SentinelMaster, o.Cluster, o.TLS = "", false, nil
	}
	rdb, _ := newClient(o, nil)
	s := newStore(rdb, keys, o)
	s.child = child
	defer func() { s.close(); _ = s.rdb.Close() }()
	for _, step := range []struct {
		name string
		look func(context.Context) (detail string, err error)
	}{
		{"login", s.lookLogin},
		{"version", s.lookVersion},
		{"promise", s.lookPromise},
		{"commands", s.lookCommands},
		{"schema", s.lookSchema},
		{"key", s.lookKey},
	} {
		detail, err := step.look(ctx)
		if err != nil && !said(err) {
			err = fmt.Errorf("%w: %s", ErrNotKept, s.words(err))
		}
		tell(Examination{Name: step.name, Detail: detail, Err: err})
		if err != nil && step.name != "promise" { // what it promises does not matter to the steps behind
			return nil
		}
	}
	tell(s.lookTickets(ctx))
	return nil
}

// said tells whether an error already says in words what is wrong and what to do.
func said(err error) bool {
	return errors.Is(err, ErrWeaker) || errors.Is(err, ErrOtherKey) || errors.Is(err, ErrSchema) || errors.As(err, new(permissionError))
}

func (s *Store) lookLogin(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, childWithin)
	defer cancel()
	err := onMasters(ctx, s.rdb, func(ctx context.Context, c *redis.Client) error { return c.Ping(ctx).Err() })
	return describe(s.opt) + ", as " + name(s.opt.Username), err
}

func (s *Store) lookVersion(ctx context.Context) (string, error) {
	text, err := s.rdb.Info(ctx, "server").Result()
	if err != nil {
		return "", fmt.Errorf("read its version (INFO): %w", err)
	}
	info := infoFields(text)
	product, version := "Redis", info["redis_version"]
	if v := info["valkey_version"]; v != "" {
		product, version = "Valkey", v
	}
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	found := product + " " + version
	if a < oldestMajor || a == oldestMajor && b < oldestMinor {
		return found, fmt.Errorf("the store %s is %s: %w; Redis %d.%d or newer, or Valkey, is needed", describe(s.opt), found, ErrWeaker, oldestMajor, oldestMinor)
	}
	return found, nil
}

func (s *Store) lookPromise(ctx context.Context) (string, error) {
	err := s.examinePromise(ctx)
	return s.Promise(), err
}

func (s *Store) lookCommands(ctx context.Context) (string, error) {
	scripts := append(slices.Clone(allScripts), scriptSerial, scriptProbe)
	err := onMasters(ctx, s.rdb, func(ctx context.Context, c *redis.Client) error { return loadInto(ctx, c, scripts) })
	if err == nil {
		err = s.examineLogin(ctx)
	}
	return fmt.Sprintf("%d scripts are loaded, and the login may run what they use", len(scripts)), err
}

func (s *Store) lookSchema(ctx context.Context) (string, error) {
	schema, err := s.rdb.Get(ctx, schemaKey()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read the schema (GET): %w", err)
	}
	if schema == "" {
		return "none yet: the first daemon writes it", nil
	}
	return "version " + schema, s.checkSchema(schema)
}

func (s *Store) lookKey(ctx context.Context) (string, error) {
	check, err := s.rdb.Get(ctx, checkKey()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read the key's check value (GET): %w", err)
	}
	if check == "" {
		return "the store is sealed with none yet", nil
	}
	return "the key file is the one that the store was sealed with", s.checkOwner(check)
}

// damagedNamed is how many damaged tickets are named.
const damagedNamed = 10

// lookTickets reads every ticket: an append-only file has no checksum, the tickets have.
func (s *Store) lookTickets(ctx context.Context) Examination {
	c := ticketCheck{s: s}
	for shard := range Shards {
		if err := s.eachSerial(ctx, shard, ticketsAtOnce, func(serials []uint64) error { return c.batch(ctx, shard, serials) }); err != nil {
			return Examination{Name: "tickets", Detail: fmt.Sprintf("%d read", c.read), Err: fmt.Errorf("%w: %s", ErrNotKept, s.words(err))}
		}
	}
	found := Examination{Name: "tickets", Detail: fmt.Sprintf("%d read, every checksum is right", c.read)}
	if c.damaged > 0 {
		found.Detail = fmt.Sprintf("%d read, %d damaged", c.read, c.damaged)
		found.Err = fmt.Errorf("%w: %s", ErrDamaged, strings.Join(c.named, "; "))
	}
	return found
}

// ticketsAtOnce is how many tickets travel in one pipeline.
const ticketsAtOnce = 100

// ticketCheck counts what it has read.
type ticketCheck struct {
	s       *Store
	read    int
	damaged int
	named   []string
}

func (c *ticketCheck) batch(ctx context.Context, shard int, serials []uint64) error {
	jobs := make([]*job, len(serials))
	for i, n := range serials {
		jobs[i] = c.s.lines.start(ctx, scriptRead, []string{ticketKey(shard, n)}, []any{"o"})
	}
	for i, n := range serials {
		reply, err := c.s.lines.wait1(ctx, jobs[i])
		if err != nil {
			return fmt.Errorf("read tickets of shard %02d: %w", shard, err)
		}
		_, err = c.s.ticketOf(shard, n, asList(reply))
		if errors.Is(err, ErrNotFound) {
			continue // a serial that was never used
		}
		c.read++
		if err == nil {
			continue
		}
		if c.damaged++; len(c.named) < damagedNamed {
			c.named = append(c.named, strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": "))
		}
	}
	return nil
}
