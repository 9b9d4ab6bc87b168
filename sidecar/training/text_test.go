package training

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAVocabularyNamesEveryCharacter(t *testing.T) {
	v, err := NewVocabulary("naïve\ncafé né")
	require.NoError(t, err)
	require.Equal(t, "\n acefnvéï", string(v))
	numbers, err := v.Encode("fée")
	require.NoError(t, err)
	require.Equal(t, []uint32{5, 8, 4}, numbers)
	require.Equal(t, "fée", v.Decode(numbers))
	_, err = v.Encode("fox")
	require.ErrorContains(t, err, `'o'`)

	_, err = NewVocabulary("\xff\xfe")
	require.ErrorContains(t, err, "UTF-8")
	_, err = NewVocabulary("aaa")
	require.ErrorContains(t, err, "different characters")
}

func TestATextBecomesRowsWhoseLabelsAreTheNextCharacters(t *testing.T) {
	e, err := FromText("x", "abcabcab", TextOptions{Context: 3, Stride: 2})
	require.NoError(t, err)
	require.Equal(t, []uint32{3}, e.InputShape)
	require.Equal(t, 3, e.Outputs)
	require.Nil(t, e.Validation)
	require.Equal(t, []float32{0, 1, 2, 2, 0, 1, 1, 2, 0}, e.Training.X)
	require.Equal(t, []uint32{1, 2, 0, 0, 1, 2, 2, 0, 1}, e.Training.Labels)
}

func TestNoCharacterIsInATrainingRowAndInARowHeldOut(t *testing.T) {
	// Every character is different, so that each says where it stood.
	var text strings.Builder
	for c := rune(0x4e00); c < 0x4e00+4000; c++ {
		text.WriteRune(c)
	}
	e, err := FromText("x", text.String(), TextOptions{Context: 10, Stride: 3, SplitKey: "key", ValidationPermille: 300})
	require.NoError(t, err)
	seen := map[uint32]bool{}
	for i, x := range e.Training.X {
		seen[uint32(x)] = true
		seen[e.Training.Labels[i]] = true
		require.Equal(t, uint32(x)+1, e.Training.Labels[i])
	}
	held := map[float32]int{}
	for i, x := range e.Validation.X {
		held[x]++
		require.False(t, seen[uint32(x)])
		require.False(t, seen[e.Validation.Labels[i]])
		require.Equal(t, 1, held[x], "rows held out don't overlap")
	}
	require.Greater(t, len(held), 500)
	require.Greater(t, len(seen), 2000)
	require.Zero(t, len(e.Validation.X)%10)
}

func TestTextsThatAreTooShortAreRefused(t *testing.T) {
	for _, c := range []struct {
		text string
		o    TextOptions
		says string
	}{
		{"abc", TextOptions{Context: 3, Stride: 1}, "more than 3 characters"},
		{strings.Repeat("ab", 50), TextOptions{Context: 3, Stride: 1, ValidationPermille: 1000}, "hold out less"},
		{"abc", TextOptions{Context: 0, Stride: 1}, "at least 1"},
		{"abc", TextOptions{Context: 1, Stride: 0}, "at least 1"},
		{"\xff", TextOptions{Context: 1, Stride: 1}, "UTF-8"},
	} {
		_, err := FromText("x", c.text, c.o)
		require.ErrorContains(t, err, c.says)
	}
}
