package server

import attestationtypes "github.com/pold-network/pold/x/attestation/types"

// plan notes what the chain asks for now and forgets what it no longer asks for.
func (w *Worker) plan(work *attestationtypes.QueryWorkResponse) {
	operator := w.Operator()
	artefacts := map[artefactKey]bundle{}
	wanted := map[object]int{}
	want := func(objects ...object) {
		for _, o := range objects {
			if _, ok := wanted[o]; !ok {
				wanted[o] = len(wanted)
			}
		}
	}
	clear(w.watched)
	for _, a := range work.Artefacts {
		if b, err := w.newBundle(a, operator); err == nil {
			artefacts[artefactKey{a.Id, string(a.Sha256)}] = b
			want(b.file)
			want(b.states...)
			want(b.wants...)
		}
	}
	open := map[uint64]bool{}
	w.planJobs(work.Tasks, operator, open)
	for _, j := range w.jobs {
		want(j.needs...)
		want(j.wants...)
	}
	for o, place := range wanted {
		d, ok := w.downloads[o]
		if !ok {
			d = &download{}
			w.downloads[o] = d
		}
		d.order = place
	}
	for o, d := range w.downloads {
		if _, ok := wanted[o]; !ok && !d.busy {
			delete(w.downloads, o)
		}
	}
	for o := range w.transcripts {
		if !w.watched[o] {
			delete(w.transcripts, o)
		}
	}
	for o := range w.valued {
		if _, ok := w.downloads[o]; !ok {
			delete(w.valued, o)
		}
	}
	for id := range w.waits {
		if !open[id] {
			delete(w.waits, id)
		}
	}
	for id := range w.lacking {
		if !open[id] {
			delete(w.lacking, id)
		}
	}
	for id := range w.abstained {
		if !open[id] {
			delete(w.abstained, id)
		}
	}
	w.asked = artefacts
	w.publish(work.Height)
}

// planJobs lists the tasks that have no answer yet, most urgent first.
func (w *Worker) planJobs(tasks []attestationtypes.Task, operator string, open map[uint64]bool) {
	w.jobs = w.jobs[:0]
	for _, t := range tasks {
		open[t.Id] = true
		if _, ok := w.answers.Get(t.Id, t.ManifestHash, operator); ok || operator == "" {
			continue
		}
		j, err := newJob(w.chain.ChainID(), t, operator)
		if err == nil && j.store != nil && w.lacking[t.Id] {
			err = j.need(j.store.Cid, j.store.Size_, j.store.Sha256)
		}
		if err != nil {
			w.abstain(t.Id, err)
			continue
		}
		if j.audit != nil {
			transcript := j.needs[len(j.needs)-1]
			states, wants, _ := w.segments(transcript, j.audit, j.of, j.own)
			j.needs, j.wants = append(j.needs, states...), wants
		}
		j.needs = append(j.needs, w.valuesOf(j.tables)...)
		w.jobs = append(w.jobs, j)
	}
	sortJobs(w.jobs)
}

// publish makes what is held, and how far the chain was read, visible to Held and Progress.
func (w *Worker) publish(height int64) {
	held := make(map[artefactKey]bool, len(w.asked))
	for key, b := range w.asked {
		if b.complete && w.holds(b.file) && w.holds(b.states...) {
			held[key] = true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held, w.reached, w.height = held, true, height
}
