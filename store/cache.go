package store

import (
	"container/list"
	"sync"
)

// citizens is a bounded set of the citizens last seen, the least recently used leaving first. What it holds is only
// ever an assumption: each commit compares it with what stands.
type citizens struct {
	mu    sync.Mutex
	max   int
	order *list.List // front: latest
	byID  map[CitizenID]*list.Element
}

func newCitizens(n int) *citizens {
	return &citizens{max: n, order: list.New(), byID: make(map[CitizenID]*list.Element)}
}

func (c *citizens) get(id CitizenID) (Citizen, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byID[id]
	if !ok {
		return Citizen{}, false
	}
	c.order.MoveToFront(e)
	return e.Value.(Citizen), true
}

func (c *citizens) put(v Citizen) {
	if v.damaged != "" { // so that who uses it has it told
		c.drop(v.ID)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byID[v.ID]; ok {
		e.Value = v
		c.order.MoveToFront(e)
		return
	}
	c.byID[v.ID] = c.order.PushFront(v)
	for len(c.byID) > c.max {
		last := c.order.Back()
		delete(c.byID, c.order.Remove(last).(Citizen).ID)
	}
}

// clear forgets all: another server may tell otherwise under the same version.
func (c *citizens) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Init()
	clear(c.byID)
}

func (c *citizens) drop(id CitizenID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byID[id]; ok {
		c.order.Remove(e)
		delete(c.byID, id)
	}
}
