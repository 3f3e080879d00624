//! What can only be seen from inside: that the ledger and what is in force are found through indices, and
//! that a set which found no room is put into force later, as a whole.

use jiff::Timestamp;

use crate::schedule::slot::Decision;

use super::catalog::Definition;
use super::db::{CommitError, Store};
use super::in_force::{Enacted, EnactedSchedule, STATEMENTS};
use super::ledger::LedgerFilter;
use super::record::{LedgerId, PipelineId};

async fn fresh() -> (tempfile::TempDir, Store) {
    let dir = tempfile::TempDir::new().unwrap();
    let store = Store::open(dir.path(), Timestamp::UNIX_EPOCH, "a boot").await.unwrap();
    (dir, store)
}

async fn pragma(store: &mut Store, sql: &'static str) {
    sqlx::raw_sql(sql).execute(store.writer.connection().await.unwrap()).await.unwrap();
}

/// No list walks over the ledger, and none sorts more than its page and the stretches under way.
#[tokio::test]
async fn every_page_of_the_ledger_goes_through_an_index() {
    let (_dir, store) = fresh().await;
    let at = Timestamp::UNIX_EPOCH;
    for bits in 0..32_u8 {
        let bit = |n: u8| bits & (1 << n) != 0;
        let filter = LedgerFilter {
            pipeline: bit(0).then_some(PipelineId(1)),
            schedule: None,
            decision: bit(1).then_some(Decision::Missed),
            from: bit(2).then_some(at),
            to: bit(3).then_some(at),
            after: bit(4).then_some((at, LedgerId(7))),
        };
        let plan = store.reader().ledger_plan(&filter).await.unwrap().join("\n");
        let filtered = bits != 0;
        assert!(!filtered || !plan.contains("SCAN ledger"), "{filter:?}\n{plan}");
        assert_eq!(plan.matches("TEMP B-TREE").count(), 1, "{filter:?}\n{plan}");
        assert_eq!(plan.contains("ledger_stretches"), bit(2), "{filter:?}\n{plan}");
    }
}

#[tokio::test]
async fn what_is_in_force_is_found_without_walking_over_what_was() {
    let (_dir, mut store) = fresh().await;
    let connection = store.writer.connection().await.unwrap();
    for statement in STATEMENTS {
        let sql = sqlx::AssertSqlSafe(format!("explain query plan {statement}"));
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sql).bind("[]").fetch_all(&mut *connection).await.unwrap();
        for (.., step) in plan {
            let walked = ["SCAN ledger", "SCAN versions"].iter().any(|scan| step.starts_with(scan));
            assert!(!walked, "{step}: {statement}");
        }
    }
}

#[tokio::test]
async fn a_set_that_finds_no_room_is_put_into_force_later() {
    let (_dir, mut store) = fresh().await;
    let pipeline = |n: u32| Enacted {
        definition: Definition {
            name: format!("p{n}"),
            hash: "h".into(),
            source: "s".repeat(10_000),
            defaults: String::new(),
        },
        schedules: vec![EnactedSchedule { name: "main".into(), spelled: "@daily".into(), considered: None }],
    };
    let set: Vec<_> = (0..100).map(pipeline).collect();
    let now = Timestamp::UNIX_EPOCH;
    store.enact(&"old".into(), &set[..1], now).await.unwrap();
    let before = store.reader().in_force().await.unwrap();
    for _ in 0..3 {
        pragma(&mut store, "pragma max_page_count = 80").await;
        let error = store.enact(&"new".into(), &set, now).await.unwrap_err();
        assert!(matches!(error, CommitError::Transient(_)), "{error:?}");
        assert_eq!(store.reader().in_force().await.unwrap(), before);
    }
    pragma(&mut store, "pragma max_page_count = 100000").await;
    let standings = store.enact(&"new".into(), &set, now).await.unwrap();
    // What was refused has not counted as known.
    assert!(standings[0].changed.is_empty());
    assert!(standings[1..].iter().all(|one| one.changed.len() == 1));
}
