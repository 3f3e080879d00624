//! Text in columns, as wide as needed.

/// Lines with their cells aligned under `head`; the last column is not padded.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    Growing::new(head).more(rows)
}

/// A table of which not all rows are known at once: a column may widen as it goes on.
#[derive(Clone, Debug)]
pub struct Growing {
    /// Until it has been printed.
    head: Option<Vec<String>>,
    widths: Vec<usize>,
}

impl Growing {
    /// A table under this head.
    pub fn new(head: &[&str]) -> Self {
        let widths = vec![0; head.len()];
        Self { head: Some(head.iter().map(|&cell| cell.to_owned()).collect()), widths }
    }

    /// The lines of these rows; before the first ones the head's.
    pub fn more(&mut self, rows: &[Vec<String>]) -> String {
        let head = self.head.take();
        for row in head.iter().chain(rows) {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        for row in head.iter().chain(rows) {
            let padded = row.iter().zip(&self.widths).map(|(cell, &width)| format!("{cell:width$}"));
            text += padded.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        text
    }
}

/// `1.2s`, `3m04s`, `2h05m`: short, for a column.
pub fn lasted(millis: i64) -> String {
    let seconds = millis / 1000;
    match seconds {
        ..60 => format!("{}.{}s", seconds, millis % 1000 / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600.. => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["1".to_owned(), "night".to_owned()], vec!["12".to_owned(), "é".to_owned()]];
        assert_eq!(table(&["RUN", "PIPELINE"], &rows), "RUN  PIPELINE\n1    night\n12   é\n");
        assert_eq!(table(&["RUN"], &[]), "RUN\n");
    }

    #[test]
    fn a_table_goes_on_as_wide_as_it_was() {
        let row = |cells: [&str; 2]| vec![cells.map(str::to_owned).to_vec()];
        let mut table = Growing::new(&["A", "B"]);
        assert_eq!(table.more(&row(["wide", "1"])), "A     B\nwide  1\n");
        assert_eq!(table.more(&row(["x", "2"])), "x     2\n");
        assert_eq!(table.more(&row(["wider", "3"])), "wider  3\n");
    }

    #[test]
    fn durations_are_short() {
        let told = [(0, "0.0s"), (1_234, "1.2s"), (184_000, "3m04s"), (7_500_000, "2h05m")];
        for (millis, text) in told {
            assert_eq!(lasted(millis), text);
        }
    }
}
