//! From an authored mapping to a tree: a walk over a work list, in document order, that reports and goes
//! on. It builds the nodes; what one node says about another (`after`, templates) is checked afterwards.

use std::collections::HashMap;

use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span, listed, nearest};
use crate::yaml::document::{BROKEN_KEY, Document, ValueId, View};
use crate::yaml::reader;
use crate::yaml::reading::Reading;

use super::command::Command;
use super::kind::{CHOOSE, Children, EXECUTE, GENERATE, KINDS, Kind};
use super::name;
use super::node::{MAX_DEPTH, MAX_NODES, NodeId, Options, Tree, TreeBuilder};
use super::policy::Settings;
use super::spec::{ELSEWHERE, INHERITED_KEYS, InheritedKeys, NodeKeys};
use super::text::texts::{Role, TextPlace, is_template};
use super::whole::Whole;

/// A tree, and where its parts stand in the file.
pub(crate) struct Lowered {
    /// Whether it is a generated tree: its paths begin at its own root and lead nowhere else.
    pub(crate) generated: bool,
    pub(crate) tree: Tree,
    /// By node: its key's place.
    pub(crate) places: Vec<Span>,
    /// Nodes with an `after`, and its value.
    pub(crate) afters: Vec<(NodeId, ValueId)>,
    /// Texts that may be templates or expressions.
    pub(crate) texts: Vec<TextPlace>,
}

/// Reads the tree of a document; `None` where there is no node at all.
pub(crate) fn lower(
    document: &Document<'_>,
    whole: Whole<'_>,
    defaults: Settings,
    found: &mut Diagnostics,
) -> Option<Lowered> {
    let root = document.root();
    let is_tree = match document.view(root) {
        View::Mapping(_) => true,
        View::Scalar { .. } => whole == Whole::Generated && !document.is_null(root),
        View::List(_) => false,
    };
    if !is_tree {
        whole.missing(document, found);
        return None;
    }
    let mut walk = Walk {
        whole,
        reading: Reading { document, found },
        builder: TreeBuilder::new(defaults),
        frames: Vec::new(),
        places: Vec::new(),
        afters: Vec::new(),
        texts: Vec::new(),
    };
    let start = document.span(root).start;
    let part = Part { name: whole.name(), span: Span { start, end: start }, value: root };
    walk.node(&part, Vec::new(), whole.own_keys());
    walk.run();
    let Walk { builder, places, afters, texts, .. } = walk;
    let generated = whole == Whole::Generated;
    Some(Lowered { generated, tree: builder.finish(), places, afters, texts })
}

/// A child still to be read: its name (or what is left of its path), where that stands, and its value.
#[derive(Clone, Copy)]
struct Part<'d> {
    name: &'d str,
    span: Span,
    value: ValueId,
}

impl<'d> Part<'d> {
    fn of(document: &'d Document<'_>, pair: &[ValueId]) -> Self {
        Self { name: document.key(pair[0]), span: document.span(pair[0]), value: pair[1] }
    }
}

/// What path keys put into children, by child.
type Below<'d> = HashMap<&'d str, Vec<Part<'d>>>;

/// An open container.
struct Frame<'d> {
    own: std::slice::ChunksExact<'d, ValueId>,
    /// Children that a path key of a container above put here; they come last.
    appended: std::vec::IntoIter<Part<'d>>,
    /// What path keys put into the children, by child.
    below: Below<'d>,
    /// Of a branch with `choose`: where that stands. It is the name of a child already.
    chooser: Option<Span>,
}

struct Walk<'a, 'd, 's> {
    whole: Whole<'a>,
    reading: Reading<'a, 'd, 's>,
    builder: TreeBuilder,
    frames: Vec<Frame<'d>>,
    places: Vec<Span>,
    afters: Vec<(NodeId, ValueId)>,
    texts: Vec<TextPlace>,
}

impl<'d> Walk<'_, 'd, '_> {
    fn run(&mut self) {
        while let Some(frame) = self.frames.last_mut() {
            let document = self.reading.document;
            let own = frame.own.next().map(|pair| Part::of(document, pair));
            let Some(part) = own.or_else(|| frame.appended.next()) else {
                self.frames.pop();
                self.builder.close();
                continue;
            };
            // A path key has been handed to where it leads; what is no key has been reported.
            if part.name.contains('/') || part.name == BROKEN_KEY {
                continue;
            }
            if let Some(chooser) = frame.chooser.filter(|_| part.name == CHOOSE) {
                let error = Diagnostic::error(part.span, "the branch has a child `choose` already")
                    .label("again here")
                    .beside(chooser, "this command is a child of that name");
                self.reading.found.push(error.help("give the other another name"));
                continue;
            }
            let below = frame.below.remove(part.name).unwrap_or_default();
            if self.places.len() >= MAX_NODES {
                let message = format!("the tree has more than {MAX_NODES} nodes");
                self.reading.found.push(Diagnostic::error(part.span, message).label("reached here"));
                self.frames.iter().for_each(|_| self.builder.close());
                return self.frames.clear();
            }
            if self.frames.len() > MAX_DEPTH {
                let message = format!("the tree is deeper than {MAX_DEPTH} nodes");
                self.reading.found.push(Diagnostic::error(part.span, message).label("this node is too deep"));
                continue;
            }
            self.check_name(&part);
            self.node(&part, below, &[]);
        }
    }

    fn node(&mut self, part: &Part<'d>, below: Vec<Part<'d>>, file_keys: &[&'static str]) {
        let document = self.reading.document;
        match document.view(part.value) {
            View::Mapping(members) => self.mapping(part, members, below, file_keys),
            View::Scalar { .. } if document.is_null(part.value) => {
                let error = Diagnostic::error(part.span, format!("the node `{}` is empty", part.name));
                let kinds = listed(KINDS);
                let help = format!("expected a command line, or a mapping with one of {kinds}");
                self.reading.found.push(error.help(help));
                self.leaf(part, nothing(), Options::default(), None, &below);
            }
            View::Scalar { .. } => {
                let command = self.command("exec", part.value);
                self.leaf(part, Kind::Exec(command), Options::default(), None, &below);
            }
            View::List(_) => {
                let span = document.span(part.value);
                let error = Diagnostic::error(span, format!("the node `{}` is a list", part.name));
                self.reading.found.push(error.help(
                    "for a program and its arguments write `exec: […]`; children are a mapping of names",
                ));
                self.leaf(part, nothing(), Options::default(), None, &below);
            }
        }
    }

    fn mapping(
        &mut self,
        part: &Part<'d>,
        members: &'d [ValueId],
        below: Vec<Part<'d>>,
        file_keys: &[&'static str],
    ) {
        let document = self.reading.document;
        let of_root;
        let others = if file_keys.is_empty() {
            &INHERITED_KEYS[..]
        } else {
            of_root = [&INHERITED_KEYS[..], file_keys].concat();
            &of_root
        };
        let keys: NodeKeys =
            reader::read_meaning(document, part.value, Some(others), &ELSEWHERE, self.reading.found);
        let inherits = members.iter().step_by(2).any(|&key| INHERITED_KEYS.contains(&document.key(key)));
        let options = self.reading.options(&keys);
        let settings = inherits.then(|| {
            let own: InheritedKeys = reader::read(document, part.value, None, self.reading.found);
            self.texts.extend(setting_texts(document, &own));
            self.reading.settings(&own, self.builder.inherited())
        });
        if let Some(when) = &keys.when {
            self.texts.push(TextPlace { id: when.id, role: Role::When });
        }
        if let Some(after) = &keys.after {
            self.afters.push((NodeId(self.places.len() as u32), after.id));
        }
        let (named, place) = self.known_as(part);
        let kind = self.reading.kind(&named, place, members);
        if let Some(kind) = kind {
            self.reading.misplaced(members, kind);
        }
        let none = Children::default();
        let container = match kind {
            Some("exec") => {
                let exec = keys.exec.as_ref().map(|exec| Kind::Exec(self.command("exec", exec.id)));
                return self.leaf(part, exec.unwrap_or_else(nothing), options, settings, &below);
            }
            Some("sensor") => {
                let sensor = keys.sensor.as_ref().and_then(|sensor| self.sensor(sensor.id, &keys));
                return self.leaf(part, sensor.unwrap_or_else(nothing), options, settings, &below);
            }
            Some("lazy") => {
                let command = keys.lazy.as_ref().map(|lazy| self.command("lazy", lazy.id));
                return self.lazy(part, command.map_or_else(nothing, Kind::Exec), options, settings, &below);
            }
            Some("serial") => keys.serial.as_ref().map(|children| (children.id, Kind::Serial(none))),
            Some("parallel") => keys.parallel.as_ref().map(|children| (children.id, Kind::Parallel(none))),
            Some("branch") => {
                let kind = if keys.choose.is_some() { Kind::Choice(none) } else { Kind::Branch(none) };
                keys.branch.as_ref().map(|children| (children.id, kind))
            }
            Some(_) | None => None,
        };
        let Some((children, kind)) = container else {
            return self.leaf(part, nothing(), options, settings, &below);
        };
        let choose = keys.choose.as_ref().map(|choose| choose.id).filter(|_| matches!(kind, Kind::Choice(_)));
        self.container(part, (children, kind), choose, (options, settings), below);
    }

    /// How a node is called in a finding about it, and where that points.
    fn known_as(&self, part: &Part<'d>) -> (String, Span) {
        if self.places.is_empty() {
            let start = self.reading.document.span(part.value).start;
            (self.whole.known_as().to_owned(), Span { start, end: start })
        } else {
            (format!("the node `{}`", part.name), part.span)
        }
    }

    /// A sensor, with its texts noted.
    fn sensor(&mut self, id: ValueId, keys: &NodeKeys) -> Option<Kind> {
        let (sensor, texts) = self.reading.sensor(id, keys)?;
        self.note(texts);
        Some(Kind::Sensor(Box::new(sensor)))
    }

    /// A command, with its texts noted.
    fn command(&mut self, key: &str, id: ValueId) -> Command {
        let texts = self.reading.command_texts(id);
        self.note(texts);
        self.reading.command(key, id)
    }

    fn container(
        &mut self,
        part: &Part<'d>,
        (children, kind): (ValueId, Kind),
        choose: Option<ValueId>,
        (options, settings): (Options, Option<Settings>),
        below: Vec<Part<'d>>,
    ) {
        let document = self.reading.document;
        let word = kind.word();
        let View::Mapping(members) = document.view(children) else {
            let found = document.describe(children);
            let message = format!("`{word}` must be a mapping of names to nodes, found {found}");
            let mut error = Diagnostic::error(document.span(children), message);
            if matches!(document.view(children), View::List(_)) {
                error = error.help("give each child a name: `- make` becomes `make: make`");
            }
            self.reading.found.push(error);
            return self.leaf(part, nothing(), options, settings, &[]);
        };
        if members.is_empty() {
            let error = Diagnostic::error(document.span(children), format!("`{word}` has no children"));
            self.reading.found.push(error.help(self.whole.at_least_one_child()));
        }
        self.builder.open(part.name, kind, options, settings);
        self.places.push(part.span);
        let chooser = choose.map(|choose| document.span(choose));
        if let (Some(choose), Some(place)) = (choose, chooser) {
            let command = Kind::Exec(self.command(CHOOSE, choose));
            self.builder.leaf(CHOOSE, command, Options::default(), None);
            self.places.push(place);
        }
        let (appended, below) = self.sort_paths(members, below);
        let (own, appended) = (members.chunks_exact(2), appended.into_iter());
        self.frames.push(Frame { own, appended, below, chooser });
    }

    /// A node whose tree is written by a command: two children, of which the second is not there yet.
    fn lazy(
        &mut self,
        part: &Part<'d>,
        generate: Kind,
        options: Options,
        settings: Option<Settings>,
        below: &[Part<'d>],
    ) {
        self.builder.open(part.name, Kind::Lazy(Children::default()), options, settings);
        self.builder.leaf(GENERATE, generate, Options::default(), None);
        self.builder.leaf(EXECUTE, Kind::Awaited, Options::default(), None);
        self.builder.close();
        self.places.extend([part.span; 3]);
        self.no_container(part, below);
    }

    /// Finds the children that path keys lead to, those of this mapping and those handed down from above:
    /// what is added here, and what is handed further down, by child.
    fn sort_paths(
        &mut self,
        members: &'d [ValueId],
        handed_down: Vec<Part<'d>>,
    ) -> (Vec<Part<'d>>, Below<'d>) {
        let document = self.reading.document;
        let (mut appended, mut below) = (Vec::new(), Below::new());
        let is_path = |pair: &[ValueId]| document.key(pair[0]).contains('/');
        if handed_down.is_empty() && !members.chunks_exact(2).any(is_path) {
            return (appended, below);
        }
        let mut declared: HashMap<&'d str, Span> = HashMap::new();
        let own = members.chunks_exact(2).map(|pair| (Part::of(document, pair), true));
        for (part, is_own) in own.chain(handed_down.into_iter().map(|part| (part, false))) {
            if let Some((head, rest)) = part.name.split_once('/') {
                if declared.contains_key(head) {
                    below.entry(head).or_default().push(Part { name: rest, ..part });
                    continue;
                }
                let mut error = Diagnostic::error(part.span, format!("there is no container `{head}` above"));
                if let Some(meant) = nearest(head, declared.keys().copied()) {
                    error = error.label(format!("did you mean `{meant}/{rest}`?"));
                }
                let help = "a key that is a path adds to a container declared earlier in the same mapping";
                self.reading.found.push(error.help(help));
            } else if let Some(first) = declared.insert(part.name, part.span) {
                let error = Diagnostic::error(part.span, format!("`{}` stands twice", part.name))
                    .label("again here")
                    .beside(first, "first here");
                self.reading.found.push(error.help("remove one, or give it another name"));
            } else if !is_own {
                appended.push(part);
            }
        }
        (appended, below)
    }

    fn leaf(
        &mut self,
        part: &Part<'d>,
        kind: Kind,
        options: Options,
        settings: Option<Settings>,
        below: &[Part<'d>],
    ) {
        self.builder.leaf(part.name, kind, options, settings);
        self.places.push(part.span);
        self.no_container(part, below);
    }

    /// Reports the path keys that lead into a node that takes none.
    fn no_container(&mut self, part: &Part<'d>, below: &[Part<'d>]) {
        for path in below {
            let error = Diagnostic::error(path.span, format!("`{}` is not a container", part.name))
                .label("this path leads into it")
                .beside(part.span, "declared here");
            self.reading.found.push(error);
        }
    }

    fn check_name(&mut self, part: &Part<'d>) {
        let Some(problem) = name::problem(part.name) else { return };
        let shown: String = part.name.chars().take(60).flat_map(char::escape_debug).collect();
        let error = Diagnostic::error(part.span, format!("the name `{shown}` {problem}"));
        self.reading.found.push(error.help(name::RULE));
    }

    /// Notes the texts that are templates; most are not.
    fn note(&mut self, texts: Vec<TextPlace>) {
        let document = self.reading.document;
        self.texts.extend(texts.into_iter().filter(|text| document.text(text.id).is_some_and(is_template)));
    }
}

/// In the place of a node that cannot be read, which has been reported.
fn nothing() -> Kind {
    Kind::Exec(Command::Shell(Box::default()))
}

/// The inherited texts that are templates.
pub(crate) fn setting_texts(document: &Document<'_>, keys: &InheritedKeys) -> Vec<TextPlace> {
    let mut texts = Vec::new();
    if let Some(env) = &keys.env {
        texts.extend(document.entries(env.id).map(|(_, id)| TextPlace { id, role: Role::EnvValue }));
    }
    let fields = [&keys.working_dir, &keys.user].into_iter().flatten().map(|field| field.id);
    let shell = keys.shell.iter().flat_map(|shell| match document.view(shell.id) {
        View::List(items) => items.to_vec(),
        View::Scalar { .. } | View::Mapping(_) => vec![shell.id],
    });
    texts.extend(fields.chain(shell).map(|id| TextPlace { id, role: Role::Plain }));
    texts.retain(|text| document.text(text.id).is_some_and(is_template));
    texts
}
