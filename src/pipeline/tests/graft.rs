//! A tree that was grafted together is the tree that would have been built at once, however often parts of it
//! were generated again.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::super::command::Command;
use super::super::graft::{Graft, MAX_GENERATIONS, Misfit};
use super::super::kind::{Children, EXECUTE, GENERATE, Kind};
use super::super::node::{NodeId, Options, Tree, TreeBuilder};
use super::super::policy::Settings;

/// A node as a test means it. What a lazy one generates is given beside it.
#[derive(Clone, Debug)]
struct Plan {
    options: Options,
    /// What it adds to the environment.
    env: Option<u8>,
    kind: What,
}

#[derive(Clone, Debug)]
enum What {
    Leaf,
    Container(bool, Vec<Plan>),
    Lazy(Box<Plan>),
}

fn plan() -> impl Strategy<Value = Plan> {
    let said = || (any::<u8>(), prop::option::weighted(0.3, 0..4_u8));
    let options = |n: u8| Options {
        max_concurrent: NonZeroU32::new(u32::from(n % 5)).filter(|_| n < 60),
        description: n.is_multiple_of(3).then(|| format!("d{}", n % 7).into()),
        ..Options::default()
    };
    let leaf = said().prop_map(move |(n, env)| Plan { options: options(n), env, kind: What::Leaf });
    leaf.prop_recursive(5, 60, 5, move |inner| {
        let container = (said(), any::<bool>(), prop::collection::vec(inner.clone(), 1..5));
        let container = container.prop_map(move |((n, env), serial, children)| {
            let kind = What::Container(serial, children);
            Plan { options: options(n), env, kind }
        });
        let lazy = (said(), inner).prop_map(move |((n, env), generated)| {
            let kind = What::Lazy(Box::new(generated));
            Plan { options: options(n), env, kind }
        });
        prop_oneof![2 => container, 2 => lazy]
    })
}

/// Adds a node and all below it; with what lazy nodes generate only if `whole`.
fn add(builder: &mut TreeBuilder, name: &str, plan: &Plan, whole: bool) {
    let mut settings = builder.inherited().clone();
    let own = plan.env.map(|n| {
        settings.env.insert(format!("V{n}").into(), name.into());
        settings
    });
    match &plan.kind {
        What::Leaf => drop(builder.leaf(name, exec(), plan.options.clone(), own)),
        What::Container(serial, children) => {
            let none = Children::default();
            let kind = if *serial { Kind::Serial(none) } else { Kind::Parallel(none) };
            builder.open(name, kind, plan.options.clone(), own);
            for (number, child) in children.iter().enumerate() {
                // So that the order of the names is not that of the document.
                add(builder, &format!("n{}", 9 - number), child, whole);
            }
            builder.close();
        }
        What::Lazy(generated) => {
            builder.open(name, Kind::Lazy(Children::default()), plan.options.clone(), own);
            builder.leaf(GENERATE, exec(), Options::default(), None);
            if whole {
                add(builder, EXECUTE, generated, whole);
            } else {
                builder.leaf(EXECUTE, Kind::Awaited, Options::default(), None);
            }
            builder.close();
        }
    }
}

fn exec() -> Kind {
    Kind::Exec(Command::Shell("true".into()))
}

/// Each leaf waits for the first earlier one of its own generated tree, or of the file's.
fn built(name: &str, plan: &Plan, settings: &Settings, whole: bool) -> Tree {
    let mut builder = TreeBuilder::new(settings.clone());
    add(&mut builder, name, plan, whole);
    let draft = builder.clone().finish();
    let outside = |id: &NodeId| draft.parent(*id).is_some_and(|up| matches!(draft.kind(up), Kind::Lazy(_)));
    for id in draft.ids().filter(|id| draft.is_leaf(*id) && !outside(id)) {
        let base = draft.base(id);
        let earlier = draft.ids().find(|&other| {
            other < id && draft.is_leaf(other) && draft.base(other) == base && !outside(&other)
        });
        if let Some(earlier) = earlier {
            builder.after(id, earlier);
        }
    }
    builder.finish()
}

/// Grafts whatever the lazy nodes at and below `at` generate.
fn graft_all(tree: &mut Tree, at: &str, plan: &Plan) {
    match &plan.kind {
        What::Leaf => {}
        What::Container(_, children) => {
            for (number, child) in children.iter().enumerate() {
                graft_all(tree, &format!("{at}/n{}", 9 - number), child);
            }
        }
        What::Lazy(generated) => {
            let path = format!("{at}/{EXECUTE}");
            let execute = tree.find(&path).unwrap();
            let parent = tree.parent(execute).unwrap();
            let generated_tree = built(EXECUTE, generated, tree.settings(parent), false);
            let before: Vec<String> = tree.ids().map(|id| tree.path(id)).collect();
            let graft = tree.graft(execute, &generated_tree);
            assert_moved(tree, &before, graft);
            graft_all(tree, &path, generated);
        }
    }
}

fn assert_moved(tree: &Tree, before: &[String], graft: Graft) {
    for (id, path) in before.iter().enumerate() {
        match graft.moved(NodeId(u32::try_from(id).unwrap())) {
            Some(now) => assert_eq!(&tree.path(now), path),
            None => assert!(path.starts_with(&format!("{}/", tree.path(graft.at)))),
        }
    }
}

fn assert_same(tree: &Tree, expected: &Tree) {
    assert_eq!(tree.len(), expected.len());
    for id in expected.ids() {
        let path = expected.path(id);
        assert_eq!(tree.path(id), path);
        assert_eq!(tree.find(&path), Some(id));
        assert_eq!(tree.kind(id), expected.kind(id), "{path}");
        assert_eq!(tree.options(id), expected.options(id), "{path}");
        assert_eq!(tree.settings(id), expected.settings(id), "{path}");
        assert_eq!(tree.subtree(id), expected.subtree(id), "{path}");
        assert_eq!(tree.parent(id), expected.parent(id), "{path}");
        assert!(tree.after(id).eq(expected.after(id)), "{path}");
        assert!(tree.before(id).eq(expected.before(id)), "{path}");
        assert_eq!(tree.base(id), expected.base(id), "{path}");
    }
    assert_eq!(tree.limited(), expected.limited());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn grafted_together_is_built_at_once(plan in plan()) {
        let expected = built("p", &plan, &Settings::default(), true);
        let mut tree = built("p", &plan, &Settings::default(), false);
        graft_all(&mut tree, "", &plan);
        assert_same(&tree, &expected);
        // And again, over what is there.
        graft_all(&mut tree, "", &plan);
        assert_same(&tree, &expected);
    }
}

fn lazy() -> Tree {
    let plan = |kind| Plan { options: Options::default(), env: None, kind };
    built("p", &plan(What::Lazy(Box::new(plan(What::Leaf)))), &Settings::default(), false)
}

#[test]
fn generated_again_leaves_nothing_behind() {
    let plan = |n: u8| {
        let options = Options { description: Some(n.to_string().into()), ..Options::default() };
        let leaf = Plan { options, env: Some(n), kind: What::Leaf };
        let kind = What::Container(true, vec![leaf.clone(), leaf]);
        Plan { options: Options::default(), env: None, kind }
    };
    let mut tree = lazy();
    let execute = tree.find(EXECUTE).unwrap();
    let mut sizes = Vec::new();
    for n in 0..20 {
        tree.graft(execute, &built(EXECUTE, &plan(n), &Settings::default(), false));
        sizes.push((tree.options.len(), tree.settings.len()));
    }
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
}

#[test]
fn what_writes_itself_for_ever_is_stopped() {
    let (mut tree, generated) = (lazy(), lazy());
    let mut execute = tree.find(EXECUTE).unwrap();
    for _ in 0..MAX_GENERATIONS {
        assert_eq!(tree.misfit(execute, &generated), None);
        tree.graft(execute, &generated);
        execute = tree.child(execute, EXECUTE).unwrap();
    }
    assert_eq!(tree.misfit(execute, &generated), Some(Misfit::Generations));
}

#[test]
fn a_grafted_tree_is_not_deeper_than_one_that_is_written() {
    let deep = |levels: usize| {
        let mut builder = TreeBuilder::new(Settings::default());
        for _ in 0..levels {
            builder.open("n", Kind::Serial(Children::default()), Options::default(), None);
        }
        builder.leaf("n", exec(), Options::default(), None);
        (0..levels).for_each(|_| builder.close());
        builder.finish()
    };
    let tree = lazy();
    let execute = tree.find(EXECUTE).unwrap();
    assert_eq!(tree.misfit(execute, &deep(999)), None);
    assert_eq!(tree.misfit(execute, &deep(1_000)), Some(Misfit::Depth));
}

#[test]
fn what_a_lazy_node_hands_down_is_written_around_it() {
    let said = |env, kind| Plan { options: Options::default(), env, kind };
    let inner = said(None, What::Lazy(Box::new(said(Some(3), What::Leaf))));
    let outer = said(Some(2), What::Container(true, vec![inner]));
    let plan = said(Some(1), What::Lazy(Box::new(outer)));
    let tree = built("p", &plan, &Settings::default(), true);
    let node = tree.find("execute/n9/execute").unwrap();
    let written = |name: &str| {
        let text = tree.settings(node).env.get(name);
        tree.base_of_inherited(node, |other| other.env.get(name) == text).map(|base| tree.path(base))
    };
    assert_eq!(written("V1"), None);
    assert_eq!(written("V2").as_deref(), Some("execute"));
    assert_eq!(written("V3").as_deref(), Some("execute/n9/execute"));
    assert_eq!(tree.base(tree.find("execute/n9/generate").unwrap()), tree.find("execute"));
}
