// Absolute positions as waves: the right table, and two wrong ones that many have typed.
// tests/widgets/test_wave_lab_page.py compares each function with PyTorch on the same inputs.

export const PLACES = 64;  // positions in the picture
export const FORMULAS = ["pairs", "columns", "times"];

// Radians a position, for each column of the table. "pairs": a sine and a cosine share one frequency, base^(-2k/C).
// "columns": the number of the column was taken for that of the pair, so every column has its own, and twice the exponent.
// "times": the position is multiplied by base^(2k/C) where it should be divided.
export function rates(width, base, formula) {
  return Float64Array.from({ length: width }, (_, column) => {
    const even = column - (column % 2);
    if (formula === "columns") return base ** ((-2 * column) / width);
    return base ** ((formula === "times" ? even : -even) / width);
  });
}

// Rows of the table for positions 0 to count - 1: sines in the even columns, cosines in the odd ones.
export function waves(count, speeds) {
  return Array.from({ length: count }, (_, place) => speeds.map((rate, column) => (column % 2 ? Math.cos(place * rate) : Math.sin(place * rate))));
}

// The row `places` further on, as the rotation R predicts it: each pair is turned by places times the frequency of its sine.
export function turned(row, speeds, places) {
  return row.map((_, column) => {
    const even = column - (column % 2);
    const cos = Math.cos(places * speeds[even]), sin = Math.sin(places * speeds[even]);
    return column % 2 ? row[column] * cos - row[even] * sin : row[even] * cos + row[even + 1] * sin;
  });
}

// By how much two rows differ, where they differ most.
export function apart(a, b) {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}
