//! The traps that other schedulers fell into, each with its facts.

use std::sync::LazyLock;

use jiff::civil::date;

use super::super::book::Book;

static BOOK: LazyLock<Book> = LazyLock::new(Book::embedded);

#[test]
fn smoke() {
    for code in BOOK.codes() {
        let calendar = BOOK.get(code).unwrap();
        assert!(calendar.sessions(calendar.first(), calendar.last()).count() > 1000, "{code}");
    }
    let nyse = BOOK.get("nasdaq").unwrap();
    let session = nyse.session(date(2026, 11, 27)).unwrap();
    assert_eq!(session.close.to_string(), "2026-11-27T18:00:00Z");
    assert!(session.early_close);
    println!("{:?} {:?}", nyse.day(date(2026, 11, 26)), BOOK.version());
}
