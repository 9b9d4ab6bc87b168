package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/app"
)

// maxAmountDigits keeps any sum of purchases far below the 256 bits of an amount.
const maxAmountDigits = 30

// purchase is what one buyer bought in the sale, all lines added up.
type purchase struct {
	Address sdk.AccAddress
	Amount  math.Int // unrn
}

// readPurchases reads a purchases file: comma-separated, first line
// "address,amount", one purchase a line. Lines of the same buyer are added up;
// the result is sorted by address, so that the order of lines does not matter.
// An error names the line.
func readPurchases(r io.Reader) ([]purchase, error) {
	reader := csv.NewReader(r)
	reader.FieldsPerRecord = -1
	reader.TrimLeadingSpace = true

	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New(`the file is empty; expected the header "address,amount" and one purchase a line`)
	}
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	// Spreadsheets like to start a file with a byte order mark.
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	if got := strings.Join(header, ","); got != "address,amount" {
		return nil, fmt.Errorf(`line 1: expected the header "address,amount", got %q`, got)
	}

	sums := make(map[string]math.Int)
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err // names the line itself
		}
		line, _ := reader.FieldPos(0)
		bought, err := parsePurchase(record)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		key := string(bought.Address)
		if sum, ok := sums[key]; ok {
			bought.Amount = bought.Amount.Add(sum)
		}
		sums[key] = bought.Amount
	}
	if len(sums) == 0 {
		return nil, errors.New("the file has a header but no purchases")
	}

	purchases := make([]purchase, 0, len(sums))
	for address, amount := range sums {
		purchases = append(purchases, purchase{Address: sdk.AccAddress(address), Amount: amount})
	}
	slices.SortFunc(purchases, func(a, b purchase) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return purchases, nil
}

func parsePurchase(record []string) (purchase, error) {
	if len(record) != 2 {
		return purchase{}, fmt.Errorf("expected an address and an amount, got %d fields", len(record))
	}
	text := strings.TrimSpace(record[0])
	address, err := sdk.AccAddressFromBech32(text)
	if err != nil {
		return purchase{}, fmt.Errorf("expected an address starting with %s1, got %q: %w", app.Bech32Prefix, text, err)
	}
	if app.BlockedAddresses()[address.String()] {
		return purchase{}, fmt.Errorf("%s is an account of a module and nobody could spend from it", address)
	}
	amount, err := parseAmount(record[1])
	if err != nil {
		return purchase{}, err
	}
	return purchase{Address: address, Amount: amount}, nil
}

// parseAmount reads an amount of NRN such as 12.5NRN, or of unrn such as
// 12500000 or 12500000unrn, and returns unrn. It refuses zero, signs,
// exponents and more decimals than NRN has, because a rounded purchase would
// make the supply differ from what was sold.
func parseAmount(text string) (math.Int, error) {
	const expected = "expected an amount such as 12.5NRN or 12500000 (unrn)"
	trimmed := strings.TrimSpace(text)

	whole, fraction := strings.TrimSuffix(trimmed, app.BaseDenom), ""
	if number, isNRN := strings.CutSuffix(trimmed, app.DisplayDenom); isNRN {
		var hasPoint bool
		whole, fraction, hasPoint = strings.Cut(number, ".")
		if hasPoint && fraction == "" {
			return math.Int{}, fmt.Errorf("%s, got %q, which has no digit after the point", expected, trimmed)
		}
		if len(fraction) > app.Decimals {
			return math.Int{}, fmt.Errorf("%s, got %q, which has more than %d decimals", expected, trimmed, app.Decimals)
		}
		fraction += strings.Repeat("0", app.Decimals-len(fraction))
	}
	if whole == "" || !onlyDigits(whole) || !onlyDigits(fraction) {
		return math.Int{}, fmt.Errorf("%s, got %q", expected, trimmed)
	}
	if len(whole) > maxAmountDigits {
		return math.Int{}, fmt.Errorf("%s, got a number of %d digits", expected, len(whole))
	}
	amount, ok := math.NewIntFromString(whole + fraction)
	if !ok {
		return math.Int{}, fmt.Errorf("%s, got %q", expected, trimmed)
	}
	if amount.IsZero() {
		return math.Int{}, fmt.Errorf("%s, got %q, which is nothing", expected, trimmed)
	}
	return amount, nil
}

func onlyDigits(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// formatNRN shows an amount of unrn as people write it: 12500000 is 12.5NRN.
func formatNRN(amount math.Int) string {
	digits := amount.String()
	if len(digits) <= app.Decimals {
		digits = strings.Repeat("0", app.Decimals+1-len(digits)) + digits
	}
	whole, fraction := digits[:len(digits)-app.Decimals], strings.TrimRight(digits[len(digits)-app.Decimals:], "0")
	if fraction != "" {
		whole += "." + fraction
	}
	return whole + app.DisplayDenom
}
