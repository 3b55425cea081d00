//! What beacons a table has, as it is written down, and what of it is refused.

use std::collections::{BTreeMap, BTreeSet};

use super::location::Location;
use super::standard::LENGTHS;
use super::virtual_field::VirtualField;
use crate::error::SealedError;
use crate::schema::{AttributeAction, RESERVED_PREFIX, Schema};

/// A standard beacon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardBeacon {
    /// Its name, as queries use it.
    pub name: String,
    /// Bits, 1 to 63.
    pub length: u8,
    /// What it is made of: a place in the item, or a virtual field.
    pub location: Location,
}

/// A part of a compound beacon that is stored as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPart {
    /// Its name.
    pub name: String,
    /// What it begins with.
    pub prefix: String,
    /// Where it is read.
    pub location: Location,
}

/// A part of a compound beacon that is a standard beacon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedPart {
    /// Name of the standard beacon.
    pub name: String,
    /// What it begins with.
    pub prefix: String,
}

/// A way to make a compound beacon: names of parts, and whether each is needed.
pub type Constructor = Vec<(String, bool)>;

/// A compound beacon (CSE-036).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompoundBeacon {
    /// Its name, as queries use it.
    pub name: String,
    /// What separates parts.
    pub split: char,
    /// Parts that are stored as they are.
    pub signed: Vec<SignedPart>,
    /// Parts that are standard beacons.
    pub encrypted: Vec<EncryptedPart>,
    /// Tried in order; if there are none, all parts in order, signed ones first.
    pub constructors: Vec<Constructor>,
}

/// All beacons of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BeaconConfig {
    /// Standard beacons, at least one.
    pub standard: Vec<StandardBeacon>,
    /// Compound beacons.
    pub compound: Vec<CompoundBeacon>,
    /// Virtual fields.
    pub virtual_fields: Vec<VirtualField>,
}

impl CompoundBeacon {
    /// Whether it holds a standard beacon; one that does not is an attribute of its own.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        !self.encrypted.is_empty()
    }
}

pub(super) fn refused<T>(why: String) -> Result<T, SealedError> {
    Err(SealedError::SchemaViolation(why))
}

/// What is configured for the attributes that beacons are made of.
struct Checked<'a> {
    config: &'a BeaconConfig,
    schema: &'a Schema,
}

/// Checks all beacons against a schema.
pub(super) fn check(config: &BeaconConfig, schema: &Schema) -> Result<(), SealedError> {
    if config.standard.is_empty() {
        return refused("At least one standard beacon must be configured.".to_owned());
    }
    let checked = Checked { config, schema };
    checked.virtual_fields()?;
    checked.standard()?;
    let mut names: BTreeSet<&str> = config.standard.iter().map(|b| b.name.as_str()).collect();
    for beacon in &config.compound {
        if !names.insert(&beacon.name) {
            return refused(format!("Duplicate CompoundBeacon name : {}", beacon.name));
        }
        checked.name(&beacon.name, "CompoundBeacon", !beacon.is_encrypted())?;
        checked.compound(beacon)?;
    }
    Ok(())
}

impl Checked<'_> {
    fn action(&self, attribute: &str) -> Option<AttributeAction> {
        self.schema.actions().get(attribute).copied()
    }

    fn field(&self, name: &str) -> Option<&VirtualField> {
        let mut fields = self.config.virtual_fields.iter();
        fields.find(|field| field.name == name)
    }

    /// Attributes that a place, or the virtual field it names, is made of.
    fn attributes(&self, location: &Location) -> Vec<String> {
        match self
            .field(location.attribute())
            .filter(|_| location.is_whole())
        {
            None => vec![location.attribute().to_owned()],
            Some(field) => {
                let parts = field.parts.iter();
                parts
                    .map(|part| part.location.attribute().to_owned())
                    .collect()
            }
        }
    }

    fn is_signed(&self, attribute: &str) -> bool {
        !matches!(
            self.action(attribute),
            None | Some(AttributeAction::DoNothing)
        )
    }

    fn is_encrypted(&self, location: &Location) -> bool {
        let of = self.attributes(location);
        of.iter()
            .any(|name| self.action(name) == Some(AttributeAction::EncryptAndSign))
    }

    fn name(&self, name: &str, what: &str, signed: bool) -> Result<(), SealedError> {
        let why = match self.action(name) {
            Some(_) if signed => {
                "because a fully signed beacon cannot have the same name as an existing attribute."
            }
            Some(AttributeAction::EncryptAndSign) => return Ok(()),
            Some(_) => "because it is already an unencrypted attribute.",
            None if name.starts_with(RESERVED_PREFIX) => {
                "because it begins with the reserved prefix."
            }
            None if !self.schema.is_signed_on_read(name) => {
                "because it is already an allowed unauthenticated attribute."
            }
            None => return Ok(()),
        };
        refused(format!("{name} not allowed as a {what} {why}"))
    }

    fn virtual_fields(&self) -> Result<(), SealedError> {
        let mut seen: BTreeMap<BTreeSet<&Location>, &str> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for field in &self.config.virtual_fields {
            let name = &field.name;
            if !names.insert(name) {
                return refused(format!("Duplicate VirtualField name : {name}"));
            }
            if self.action(name).is_some() {
                return refused(format!(
                    "{name} not allowed as a Virtual Field because it is already a configured attribute."
                ));
            }
            let unsigned = |part: &&super::VirtualPart| !self.is_signed(part.location.attribute());
            if field.parts.is_empty() || field.parts.iter().any(|part| unsigned(&part)) {
                return refused(format!(
                    "VirtualField {name} must be defined on signed fields."
                ));
            }
            let locations = field.parts.iter().map(|part| &part.location).collect();
            if let Some(other) = seen.insert(locations, name) {
                return refused(format!(
                    "Virtual field {name} is defined on the same locations as {other}."
                ));
            }
        }
        Ok(())
    }

    fn standard(&self) -> Result<(), SealedError> {
        let mut names = BTreeSet::new();
        let mut locations: BTreeMap<&Location, &str> = BTreeMap::new();
        for beacon in &self.config.standard {
            let (name, length) = (&beacon.name, beacon.length);
            if !names.insert(name) {
                return refused(format!("Duplicate StandardBeacon name : {name}"));
            }
            self.name(name, "StandardBeacon", false)?;
            if !LENGTHS.contains(&length) {
                return refused(format!(
                    "StandardBeacon {name} has a length of {length} bits; it must be 1 to 63."
                ));
            }
            if !self.is_encrypted(&beacon.location) {
                return refused(format!(
                    "StandardBeacon {name} not defined on an encrypted field."
                ));
            }
            if let Some(other) = locations.insert(&beacon.location, name) {
                return refused(format!(
                    "StandardBeacon {name} is defined on location {}, but beacon {other} is already defined on that location.",
                    beacon.location
                ));
            }
        }
        Ok(())
    }

    fn compound(&self, beacon: &CompoundBeacon) -> Result<(), SealedError> {
        let name = &beacon.name;
        let signed = beacon.signed.iter().map(|part| (&part.name, &part.prefix));
        let encrypted = beacon
            .encrypted
            .iter()
            .map(|part| (&part.name, &part.prefix));
        let parts: Vec<(&String, &String)> = signed.chain(encrypted).collect();
        if parts.is_empty() {
            return refused(format!("For beacon {name} no parts were supplied."));
        }
        for part in &beacon.signed {
            let of = self.attributes(&part.location);
            if self.is_encrypted(&part.location) || !of.iter().all(|name| self.is_signed(name)) {
                return refused(format!(
                    "Signed Part {} is built from {} which is not SIGN_ONLY.",
                    part.name, part.location
                ));
            }
        }
        for part in &beacon.encrypted {
            if !self
                .config
                .standard
                .iter()
                .any(|beacon| beacon.name == part.name)
            {
                return refused(format!(
                    "Compound beacon {name} refers to standard beacon {} which is not configured.",
                    part.name
                ));
            }
        }
        for (at, (part, prefix)) in parts.iter().enumerate() {
            for (other, another) in &parts[at + 1..] {
                if part == other {
                    return refused(format!("Duplicate part name {part} in {name}."));
                }
                if prefix.starts_with(another.as_str()) || another.starts_with(prefix.as_str()) {
                    return refused(format!(
                        "Compound beacon {name} defines part {part} with prefix {prefix} which is incompatible with part {other} which has a prefix of {another}."
                    ));
                }
            }
        }
        constructors(beacon, &parts)
    }
}

fn constructors(beacon: &CompoundBeacon, parts: &[(&String, &String)]) -> Result<(), SealedError> {
    let name = &beacon.name;
    let mut seen = BTreeSet::new();
    for constructor in &beacon.constructors {
        for (wanted, _) in constructor {
            if !parts.iter().any(|(part, _)| *part == wanted) {
                return refused(format!(
                    "Constructor refers to part name {wanted} but there is no part by that name."
                ));
            }
        }
        let required: BTreeSet<&String> = constructor
            .iter()
            .filter(|(_, required)| *required)
            .map(|(part, _)| part)
            .collect();
        if required.is_empty() {
            return refused(format!(
                "A Constructor for beacon {name} lacks any required parts"
            ));
        }
        if !seen.insert(required) {
            return refused(format!(
                "Multiple constructors for {name} have the same set of required parts : "
            ));
        }
    }
    Ok(())
}
