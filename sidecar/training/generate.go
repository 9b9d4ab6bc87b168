package training

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
)

// Generator continues texts with a model that has learned to predict the next character.
type Generator struct {
	model      *engine.Model
	vocabulary Vocabulary
	context    int
}

// NewGenerator reads the weights of a language model: it takes a row of character numbers and gives, for each position, a score for every
// character of the vocabulary.
func NewGenerator(s *modelspec.Spec, checkpoint []byte, v Vocabulary) (*Generator, error) {
	positions, classes, err := s.Classification()
	if err != nil {
		return nil, err
	}
	if positions != s.Inputs() || classes != len(v) {
		return nil, fmt.Errorf("expected a model with outputs [%d, %d], one score for each position and character, got [%d, %d]; is it a model for text, and the vocabulary its own?",
			s.Inputs(), len(v), positions, classes)
	}
	model, err := (&Job{Spec: s, From: checkpoint}).Model()
	if err != nil {
		return nil, err
	}
	return &Generator{model: model, vocabulary: v, context: positions}, nil
}

// Generate continues a prompt by a number of characters and calls emit with each as it is drawn. Temperature 0 takes the likeliest
// character each time, which gives the same text on every machine; above 0 characters are drawn by their probability, sharpened below 1
// and flattened above.
func (g *Generator) Generate(prompt string, length int, temperature float64, seed [32]byte, emit func(string) error) error {
	if !(temperature >= 0 && temperature <= 100) {
		return fmt.Errorf("expected a temperature from 0 to 100, got %v", temperature)
	}
	text, err := g.vocabulary.Encode(prompt)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return errors.New("expected a prompt of at least one character, got none")
	}
	random := rand.New(rand.NewChaCha8(seed))
	for range length {
		scores, err := g.scores(text)
		if err != nil {
			return err
		}
		next := choose(scores, temperature, random)
		text = append(text, next)
		if err := emit(string(g.vocabulary[next])); err != nil {
			return err
		}
	}
	return nil
}

// scores are those of the character after a text. What stands behind the text in the row does not matter to a causal model.
func (g *Generator) scores(text []uint32) ([]float32, error) {
	text = text[max(0, len(text)-g.context):]
	row := make([]float32, g.context)
	for i, n := range text {
		row[i] = float32(n)
	}
	out, err := g.model.Forward(row, 1)
	if err != nil {
		return nil, err
	}
	classes := len(g.vocabulary)
	return out[(len(text)-1)*classes:][:classes], nil
}

// choose draws an index by its score; the first of the largest for temperature 0.
func choose(scores []float32, temperature float64, random *rand.Rand) uint32 {
	best := 0
	for i, s := range scores {
		if s > scores[best] {
			best = i
		}
	}
	if temperature == 0 {
		return uint32(best)
	}
	weights := make([]float64, len(scores))
	var sum float64
	for i, s := range scores {
		weights[i] = math.Exp(float64(s-scores[best]) / temperature)
		sum += weights[i]
	}
	left := random.Float64() * sum
	for i, w := range weights {
		if left -= w; left < 0 {
			return uint32(i)
		}
	}
	return uint32(best)
}
