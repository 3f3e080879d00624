//! From an authored mapping to a tree: a walk over a work list, in document order, that reports and goes
//! on. It builds the nodes; what one node says about another (`after`, templates) is checked afterwards.

use std::collections::HashMap;

use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::yaml::document::{BROKEN_KEY, Document, ValueId, View};
use crate::yaml::reader;
use crate::yaml::reading::Reading;

use super::name;
use super::node::{Command, NodeId, Options, Tree, TreeBuilder};
use super::policy::Settings;
use super::spec::{FILE_KEYS, INHERITED_KEYS, InheritedKeys, NODE_KEYS, NodeKeys};
use super::texts::{Role, TextPlace, is_template};

/// Containers around a node.
pub(crate) const MAX_DEPTH: usize = 1_000;
/// Nodes of a tree.
const MAX_NODES: usize = 4_000_000;

/// A tree, and where its parts stand in the file.
pub(crate) struct Lowered {
    pub(crate) tree: Tree,
    /// By node: its key's place.
    pub(crate) places: Vec<Span>,
    /// Nodes with an `after`, and its value.
    pub(crate) afters: Vec<(NodeId, ValueId)>,
    /// Texts that may be templates or expressions.
    pub(crate) texts: Vec<TextPlace>,
}

/// Reads the tree of the file whose root node is named `name`; `None` where there is no node at all.
pub(crate) fn lower(
    document: &Document<'_>,
    name: &str,
    defaults: Settings,
    found: &mut Diagnostics,
) -> Option<Lowered> {
    let root = document.root();
    if !matches!(document.view(root), View::Mapping(_)) {
        let message = if document.is_null(root) {
            "the file is empty".to_owned()
        } else {
            format!("a pipeline file is a mapping, found {}", document.describe(root))
        };
        let start = document.span(root).start;
        let error = Diagnostic::error(Span { start, end: start }, message);
        found.push(error.help(
            "expected one of `exec`, `serial` and `parallel`, and what the pipeline says about itself",
        ));
        return None;
    }
    let mut walk = Walk {
        reading: Reading { document, found },
        builder: TreeBuilder::new(defaults),
        frames: Vec::new(),
        places: Vec::new(),
        afters: Vec::new(),
        texts: Vec::new(),
    };
    let start = document.span(root).start;
    walk.node(&Part { name, span: Span { start, end: start }, value: root }, Vec::new(), &FILE_KEYS);
    walk.run();
    let Walk { builder, places, afters, texts, .. } = walk;
    Some(Lowered { tree: builder.finish(), places, afters, texts })
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
}

struct Walk<'a, 'd, 's> {
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
                self.reading.found.push(error.help(
                    "expected a command line, or a mapping with one of `exec`, `serial` and `parallel`",
                ));
                self.leaf(part, Command::Shell(Box::default()), Options::default(), None, &below);
            }
            View::Scalar { .. } => {
                let command = self.reading.command(part.value);
                self.templates(part.value, Role::ShellLine);
                self.leaf(part, command, Options::default(), None, &below);
            }
            View::List(_) => {
                let span = document.span(part.value);
                let error = Diagnostic::error(span, format!("the node `{}` is a list", part.name));
                self.reading.found.push(error.help(
                    "for a program and its arguments write `exec: […]`; children are a mapping of names",
                ));
                self.leaf(part, Command::Shell(Box::default()), Options::default(), None, &below);
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
        let keys: NodeKeys = reader::read(document, part.value, Some(others), self.reading.found);
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
        let kind = self.kind(part, members);
        let kind_value = match kind {
            Some("exec") => keys.exec.as_ref().map(|exec| exec.id),
            Some("serial") => keys.serial.as_ref().map(|children| children.id),
            Some(_) => keys.parallel.as_ref().map(|children| children.id),
            None => None,
        };
        match (kind, kind_value) {
            (Some("exec"), Some(value)) => {
                for key in ["stop_on_error", "max_concurrent"] {
                    self.misplaced(members, key, "exec");
                }
                let command = self.reading.command(value);
                match document.view(value) {
                    View::List(items) => items.iter().for_each(|&item| self.templates(item, Role::Plain)),
                    View::Scalar { .. } | View::Mapping(_) => self.templates(value, Role::ShellLine),
                }
                self.leaf(part, command, options, settings, &below);
            }
            (Some(word), Some(value)) => {
                if word == "parallel" {
                    self.misplaced(members, "stop_on_error", word);
                }
                self.container(part, value, word, options, settings, below);
            }
            (Some(_) | None, _) => self.leaf(part, Command::Shell(Box::default()), options, settings, &below),
        }
    }

    /// The one kind key of a node; the first where there are two, which is reported, as is none.
    fn kind(&mut self, part: &Part<'d>, members: &'d [ValueId]) -> Option<&'d str> {
        let document = self.reading.document;
        let kinds = ["exec", "serial", "parallel"];
        let mut present = members.iter().step_by(2).filter(|&&key| kinds.contains(&document.key(key)));
        let (first, second) = (present.next(), present.next());
        let named = if self.places.is_empty() {
            "the pipeline".to_owned()
        } else {
            format!("the node `{}`", part.name)
        };
        match (first, second) {
            (Some(&first), Some(&second)) => {
                let (one, two) = (document.key(first), document.key(second));
                let error = Diagnostic::error(document.span(second), format!("{named} has two kinds"))
                    .label(format!("`{two}` here"))
                    .beside(document.span(first), format!("`{one}` here"))
                    .help("a node has exactly one kind; make each a child of a `serial` or `parallel`");
                self.reading.found.push(error);
            }
            (None, _) => {
                let start =
                    if self.places.is_empty() { document.span(part.value).start } else { part.span.start };
                let end = if self.places.is_empty() { start } else { part.span.end };
                // A misspelt kind has been reported as an unknown key, with the right spelling.
                let misspelt = members.iter().step_by(2).any(|&key| {
                    let key = document.key(key);
                    let known =
                        NODE_KEYS.contains(&key) || INHERITED_KEYS.contains(&key) || FILE_KEYS.contains(&key);
                    !known && nearest(key, NODE_KEYS).is_some_and(|meant| kinds.contains(&meant))
                });
                if !misspelt {
                    let error = Diagnostic::error(Span { start, end }, format!("{named} has no kind"));
                    self.reading
                        .found
                        .push(error.help("expected one of the keys `exec`, `serial` and `parallel`"));
                }
            }
            (Some(_), None) => {}
        }
        first.map(|&key| document.key(key))
    }

    fn misplaced(&mut self, members: &'d [ValueId], key: &str, kind: &str) {
        let document = self.reading.document;
        let Some(&at) = members.iter().step_by(2).find(|&&at| document.key(at) == key) else { return };
        let place = if key == "stop_on_error" { "a `serial`" } else { "a container: `serial` or `parallel`" };
        let error = Diagnostic::error(document.span(at), format!("`{key}` means nothing on `{kind}`"));
        self.reading.found.push(error.help(format!("it belongs on {place}")));
    }

    fn container(
        &mut self,
        part: &Part<'d>,
        value: ValueId,
        word: &str,
        options: Options,
        settings: Option<Settings>,
        below: Vec<Part<'d>>,
    ) {
        let document = self.reading.document;
        let View::Mapping(members) = document.view(value) else {
            let message =
                format!("`{word}` must be a mapping of names to nodes, found {}", document.describe(value));
            let mut error = Diagnostic::error(document.span(value), message);
            if matches!(document.view(value), View::List(_)) {
                error = error.help("give each child a name: `- make` becomes `make: make`");
            }
            self.reading.found.push(error);
            return self.leaf(part, Command::Shell(Box::default()), options, settings, &[]);
        };
        if members.is_empty() {
            let error = Diagnostic::error(document.span(value), format!("`{word}` has no children"));
            self.reading.found.push(error.help("a container has at least one child"));
        }
        self.builder.open(part.name, word == "serial", options, settings);
        self.places.push(part.span);
        let (appended, below) = self.sort_paths(members, below);
        self.frames.push(Frame { own: members.chunks_exact(2), appended: appended.into_iter(), below });
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
        command: Command,
        options: Options,
        settings: Option<Settings>,
        below: &[Part<'d>],
    ) {
        self.builder.leaf(part.name, command, options, settings);
        self.places.push(part.span);
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

    /// Notes a text that is a template; most are not.
    fn templates(&mut self, id: ValueId, role: Role) {
        if self.reading.document.text(id).is_some_and(is_template) {
            self.texts.push(TextPlace { id, role });
        }
    }
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
