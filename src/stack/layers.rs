//! Finds and reads the layers of a stack: files, profile, `.env`, environment. The only module here that
//! touches the file system.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::assignment::{self, Assignment, PREFIX};
use super::diagnostic::{Diagnostic, StackError};
use super::dotenv;
use super::name::nearest;
use super::node::{Node, Value, merge};
use super::place::{Layer, Place, Source};
use super::view::shown;
use super::yaml;

/// The stack file's name, looked for here and in every parent directory.
pub(super) const FILE_NAME: &str = "dorandoran.yaml";

/// Which stack is meant. Everything that decides is in here: nothing else is read from the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoadRequest {
    /// Empty: look for `dorandoran.yaml`.
    pub files: Vec<PathBuf>,
    pub profile: Option<String>,
    pub instance: String,
    pub port_offset: u16,
    pub cwd: PathBuf,
    pub env: BTreeMap<String, String>,
}

/// The layers, lowest first.
pub(super) struct Layers {
    /// Absolute directory of the first stack file.
    pub dir: PathBuf,
    pub nodes: Vec<Node>,
}

/// Reads every layer, and reports the mistakes of all of them at once.
pub(super) fn read(request: &LoadRequest) -> Result<Layers, StackError> {
    let files = if request.files.is_empty() { vec![find(&request.cwd)?] } else { request.files.clone() };
    let mut reader = Reader { cwd: &request.cwd, nodes: Vec::new(), errors: Vec::new() };
    for file in &files {
        reader.yaml_file(Layer::File, &request.cwd.join(file));
    }
    let dir = directory(&request.cwd.join(&files[0])).map_err(StackError::one)?;
    if let Some(profile) = &request.profile {
        reader.profile(&dir, profile);
    }
    reader.dotenv(&dir.join(".env"));
    reader.environment(&request.env);
    StackError::check(reader.errors)?;
    Ok(Layers { dir, nodes: reader.nodes })
}

fn find(cwd: &Path) -> Result<PathBuf, StackError> {
    cwd.ancestors().map(|dir| dir.join(FILE_NAME)).find(|path| path.is_file()).ok_or_else(|| {
        StackError::one(
            Diagnostic::new(format!("no {FILE_NAME} here or in a parent directory"))
                .help("change into a checkout of DoranDoran, or name the file with --file"),
        )
    })
}

/// Symbolic links are followed, so that one checkout has one state directory however it was reached.
fn directory(file: &Path) -> Result<PathBuf, Diagnostic> {
    let parent = file.parent().unwrap_or(file);
    parent
        .canonicalize()
        .map_err(|error| Diagnostic::new(format!("cannot open {}: {error}", parent.display())))
}

struct Reader<'a> {
    cwd: &'a Path,
    nodes: Vec<Node>,
    errors: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// As the user would type it: relative to where they stand when the file lies below.
    fn shown(&self, path: &Path) -> String {
        let here = path.strip_prefix(self.cwd).ok();
        let canonical = || path.strip_prefix(self.cwd.canonicalize().ok()?).ok();
        here.or_else(canonical).unwrap_or(path).display().to_string()
    }

    fn yaml_file(&mut self, layer: Layer, path: &Path) {
        let result = fs::read_to_string(path).map_err(|error| unreadable(&self.shown(path), &error));
        let result = result.and_then(|text| document(&Source::new(layer, self.shown(path), text)));
        self.keep(result);
    }

    fn keep(&mut self, result: Result<Node, Diagnostic>) {
        match result {
            Ok(node) => self.nodes.push(node),
            Err(diagnostic) => self.errors.push(diagnostic),
        }
    }

    fn profile(&mut self, dir: &Path, profile: &str) {
        let path = dir.join(format!("dorandoran.{profile}.yaml"));
        if profile.contains(['/', '.']) || !path.is_file() {
            let known = profiles(dir);
            let near = nearest(profile, known.iter().map(String::as_str));
            let help = match (near, known.is_empty()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, false) => format!("there are: {}", known.join(", ")),
                (None, true) => {
                    format!("a profile is a file dorandoran.<profile>.yaml beside {FILE_NAME}; there is none")
                }
            };
            self.errors.push(Diagnostic::new(format!("no profile `{profile}`")).help(help));
            return;
        }
        self.yaml_file(Layer::Profile, &path);
    }

    fn dotenv(&mut self, path: &Path) {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.errors.push(unreadable(&self.shown(path), &error)),
        };
        let (assignments, errors) = dotenv::assignments(&self.shown(path), &text);
        self.errors.extend(errors);
        self.assign(&assignments);
    }

    fn environment(&mut self, env: &BTreeMap<String, String>) {
        for (name, value) in env.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            let source =
                Source::new(Layer::Environment, name.clone(), format!("{name}={}", shown(name, value)));
            let width = name.chars().count();
            self.assign(&[Assignment {
                name,
                value,
                name_place: Place::new(&source, 1, 1, width),
                value_place: Place::new(&source, 1, width + 2, value.chars().count()),
            }]);
        }
    }

    fn assign(&mut self, assignments: &[Assignment<'_>]) {
        let lower = self.nodes.iter().cloned().reduce(merge);
        for assignment in assignments {
            let empty = Node::new(Value::Null, assignment.name_place.clone());
            let result = assignment::layer(assignment, lower.as_ref().unwrap_or(&empty));
            self.keep(result);
        }
    }
}

fn document(source: &Arc<Source>) -> Result<Node, Diagnostic> {
    let node = yaml::parse(&source.text, &|line, column, width| Place::new(source, line, column, width))?;
    if node.value == Value::Null {
        return Err(Diagnostic::new("the file is empty")
            .at(&Place::new(source, 1, 1, 1), "")
            .help("write at least `services:`; `doran config --schema` describes every key"));
    }
    Ok(node)
}

fn unreadable(name: &str, error: &io::Error) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::InvalidData => Diagnostic::new(format!("{name} is not UTF-8 text")),
        io::ErrorKind::NotFound => Diagnostic::new(format!("{name} does not exist")),
        _ => Diagnostic::new(format!("cannot read {name}: {error}")),
    }
}

fn profiles(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_prefix("dorandoran.")?.strip_suffix(".yaml")?.to_owned()))
        .collect();
    names.sort();
    names
}
