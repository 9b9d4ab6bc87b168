package engine

import "sync"

// passCache keeps one pass for evaluation, so that evaluating again and again allocates nothing. Evaluations that run side by side make
// their own.
type passCache struct {
	mu   sync.Mutex
	idle *pass
}

// take returns a pass for at least so many rows.
func (c *passCache) take(m *Model, capacity int) *pass {
	c.mu.Lock()
	p := c.idle
	c.idle = nil
	c.mu.Unlock()
	if p == nil || p.capacity < capacity {
		p = m.newPass(capacity, evaluating, false)
	}
	return p
}

// put gives it back.
func (c *passCache) put(p *pass) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle == nil || c.idle.capacity < p.capacity {
		c.idle = p
	}
}
