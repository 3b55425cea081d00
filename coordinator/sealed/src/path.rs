//! Canonical paths: the name of a field that is bound into its key, tag and signature.
//!
//! Table name, depth, then each step (CSE-015). Items are flat here, so the depth is
//! always one and the only step a map step. The length before the name makes shorter
//! names sort first.

/// Marks a step into a map.
const MAP_STEP: u8 = b'$';

/// The canonical path of a top-level attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CanonicalPath(Vec<u8>);

impl CanonicalPath {
    /// The path of `attribute` in the table with this logical name.
    #[must_use]
    pub fn new(logical_table_name: &str, attribute: &str) -> Self {
        let mut path = logical_table_name.as_bytes().to_vec();
        path.extend(1_u64.to_be_bytes());
        path.push(MAP_STEP);
        path.extend(length(attribute).to_be_bytes());
        path.extend(attribute.as_bytes());
        Self(path)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Length of a name in UTF-16 code units, as the SDK counts characters (equal to the
/// bytes for ASCII names).
fn length(name: &str) -> u64 {
    name.encode_utf16().fold(0, |count, _| count + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cse_015_a_path_is_table_depth_and_step() {
        let path = CanonicalPath::new("example_table", "name");
        let wanted = [
            b"example_table".as_slice(),
            &[0, 0, 0, 0, 0, 0, 0, 1],
            b"$",
            &[0, 0, 0, 0, 0, 0, 0, 4],
            b"name",
        ]
        .concat();
        assert_eq!(path.as_bytes(), wanted);
    }

    #[test]
    fn shorter_names_sort_first() {
        assert!(CanonicalPath::new("t", "zz") < CanonicalPath::new("t", "aaa"));
    }
}
