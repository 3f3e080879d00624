//! Text in columns, as wide as needed.

/// Lines with their cells aligned under `head`; the last column is not padded.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut head.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
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
    }

    #[test]
    fn durations_are_short() {
        let told = [(0, "0.0s"), (1_234, "1.2s"), (184_000, "3m04s"), (7_500_000, "2h05m")];
        for (millis, text) in told {
            assert_eq!(lasted(millis), text);
        }
    }
}
