package verifier

import (
	"container/list"
	"sync"
)

// cache keeps the values that were used last, up to a total weight; the newest stays whatever it weighs.
type cache[K comparable, V any] struct {
	mu     sync.Mutex
	limit  int
	weight int
	order  *list.List // of entry[K, V], newest first
	index  map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: limit, order: list.New(), index: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.index[key]
	if !ok {
		var zero V
		return zero, false
	}
	c.order.MoveToFront(e)
	return e.Value.(entry[K, V]).value, true
}

func (c *cache[K, V]) put(key K, value V, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.index[key]; ok {
		c.remove(old)
	}
	c.index[key] = c.order.PushFront(entry[K, V]{key: key, value: value, weight: weight})
	c.weight += weight
	for c.weight > c.limit && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

func (c *cache[K, V]) remove(e *list.Element) {
	old := c.order.Remove(e).(entry[K, V])
	delete(c.index, old.key)
	c.weight -= old.weight
}
