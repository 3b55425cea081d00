//! All labs of a course, and those that are open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::room::Room;
use crate::labs::Lab;
use crate::labs::desk::Desk;
use crate::labs::progress::{FILE, Progress};
use crate::labs::shelf::{self, Folder};

/// A lab that a class looks at.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its id.
    pub lab: String,
    /// The folder of who presents it.
    pub folder: PathBuf,
}

/// See the module. Clones are the same house.
#[derive(Debug, Clone)]
pub struct House {
    labs: Arc<Vec<(Folder, Lab)>>,
    course: Option<PathBuf>,
    root: PathBuf,
    class: Option<Class>,
    rooms: Arc<Mutex<BTreeMap<String, Room>>>,
}

impl House {
    /// The labs of a course, or of this program; learners' folders are in `root`, which may be
    /// a lab's own. A class sees one lab and no other.
    ///
    /// # Errors
    /// What is wrong with the course, for people.
    pub fn new(root: PathBuf, course: Option<&Path>, class: Option<Class>) -> Result<Self, String> {
        let mut labs = Vec::new();
        for folder in shelf::of(course)? {
            let lab = folder.lab()?;
            if class.as_ref().is_none_or(|class| class.lab == lab.id) {
                labs.push((folder, lab));
            }
        }
        let course = course.map(Path::canonicalize).transpose();
        Ok(Self {
            labs: Arc::new(labs),
            course: course.map_err(|error| error.to_string())?,
            root,
            class,
            rooms: Arc::default(),
        })
    }

    /// The folder of a lab: where `faultline lab start` puts it.
    fn place(&self, id: &str) -> PathBuf {
        if let Some(class) = &self.class {
            return class.folder.clone();
        }
        match Progress::read(&self.root) {
            Ok(progress) if progress.lab == id => self.root.clone(),
            Ok(_) => self.root.join("..").join(id),
            Err(_) => self.root.join(id),
        }
    }

    /// The labs, with how far each is.
    #[must_use]
    pub fn list(&self) -> Value {
        let labs = self.labs.iter().map(|(folder, lab)| {
            let progress = Progress::read(&self.place(&lab.id)).ok();
            let progress = progress.filter(|it| it.lab == lab.id);
            let number = folder.name.split('-').next().unwrap_or_default();
            json!({
                "id": lab.id, "number": number.parse::<u32>().ok(), "title": lab.title,
                "level": lab.level, "takes": lab.takes, "needs": lab.needs, "learn": lab.learn,
                "steps": lab.steps.len(), "begun": progress.is_some(),
                "done": progress.map_or(0, |it| it.over(lab)),
            })
        });
        json!({ "labs": labs.collect::<Vec<_>>(), "class": self.class.as_ref().map(|it| &it.lab) })
    }

    /// Does something in a lab that was begun, or with `begin` in any.
    ///
    /// # Errors
    /// That there is no such lab, that it was not begun, or what keeps it from beginning.
    pub fn with<T>(
        &self,
        id: &str,
        begin: bool,
        act: impl FnOnce(&mut Room) -> T,
    ) -> Result<T, String> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if !rooms.contains_key(id) {
            let mut labs = self.labs.iter();
            let found = labs.find(|(_, lab)| lab.id == id);
            let found = found.ok_or_else(|| format!("no lab is called {id}"))?;
            let place = self.place(id);
            if !begin && !place.join(FILE).exists() {
                return Err(format!("{id} was not begun here"));
            }
            let desk = Desk::begin(found.clone(), self.course.clone(), &place)?;
            rooms.insert(id.to_owned(), Room::new(desk, self.class.is_some()));
        }
        let room = rooms.get_mut(id).ok_or("it was closed")?;
        Ok(act(room))
    }
}
