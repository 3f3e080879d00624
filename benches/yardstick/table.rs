//! One aligned table, for copying into a page as it is.

/// A measure: the same thing by Sexton and, taking turns with it, by something bare.
pub(crate) struct Row {
    cells: [String; 6],
}

const HEAD: [&str; 6] = [
    "measure",
    "unit",
    "sexton: min / median / max",
    "bare: min / median / max",
    "of the medians",
    "of the pairs",
];

impl Row {
    /// Speeds: `bare / sexton`, so that 1 is as fast and less is slower.
    pub(crate) fn ratio(measure: String, unit: &str, ours: &[f64], bare: &[f64]) -> Self {
        Self::compared(measure, unit, ours, bare, |ours, bare| bare / ours, " ×")
    }

    /// Costs: `sexton - bare`, in the same unit.
    pub(crate) fn difference(measure: String, unit: &str, ours: &[f64], bare: &[f64]) -> Self {
        Self::compared(measure, unit, ours, bare, |ours, bare| ours - bare, "")
    }

    /// What has no counterpart.
    pub(crate) fn alone(measure: String, unit: &str, ours: &[f64]) -> Self {
        let none = || "-".to_owned();
        Self { cells: [measure, unit.to_owned(), three(ours), none(), none(), none()] }
    }

    fn compared(
        measure: String,
        unit: &str,
        ours: &[f64],
        bare: &[f64],
        compare: impl Fn(f64, f64) -> f64,
        mark: &str,
    ) -> Self {
        let pairs: Vec<f64> = ours.iter().zip(bare).map(|(ours, bare)| compare(*ours, *bare)).collect();
        let signed = if mark.is_empty() { "+" } else { "" };
        let medians = format!("{signed}{}{mark}", figure(compare(median(ours), median(bare))));
        let medians = medians.replace("+-", "-");
        Self { cells: [measure, unit.to_owned(), three(ours), three(bare), medians, three(&pairs)] }
    }
}

fn three(values: &[f64]) -> String {
    let (least, most) = (quantile(values, 0.0), quantile(values, 1.0));
    format!("{} / {} / {}", figure(least), figure(median(values)), figure(most))
}

fn figure(value: f64) -> String {
    let digits = if value.abs() < 10.0 { 3 } else { 1 };
    format!("{value:.digits$}")
}

fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// By nearest rank: a value that was measured.
pub(crate) fn quantile(values: &[f64], which: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut rank = 0;
    while rank + 1 < sorted.len() && ((rank + 1) as f64) < which * sorted.len() as f64 {
        rank += 1;
    }
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}

pub(crate) fn print(machine: &str, rows: &[Row]) {
    let head = HEAD.map(str::to_owned);
    let lines: Vec<&[String; 6]> = std::iter::once(&head).chain(rows.iter().map(|row| &row.cells)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(*line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    println!("\n{machine}\n");
    for (number, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(widths);
        let cells: Vec<String> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("| {} |", cells.join(" | "));
        if number == 0 {
            println!("| {} |", widths.map(|width| "-".repeat(width)).join(" | "));
        }
    }
    println!("\nratios are bare / sexton; differences are sexton - bare; pairs are min / median / max\n");
}
