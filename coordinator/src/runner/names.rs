//! Names written right for the Region asked, and known again in whatever form an answer has
//! them (a file's `key_id: payments` is a key id here and an ARN there).

use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::tables::{Form, Referent, Refers};

use super::world::World;
use crate::scenario::template::WorldNames;

/// The world as one call spells it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The world.
    pub world: &'a World,
    /// The Region asked.
    pub region: &'a RegionName,
    /// The account of who asks: keys of another one need their ARN.
    pub account: Option<&'a AccountId>,
}

impl WorldNames for Asked<'_> {
    fn resolve(&self, refers: Refers, name: &str) -> Option<String> {
        let world = self.world;
        match refers.to {
            Referent::Account => world.accounts.get(name).map(ToString::to_string),
            Referent::Principal => {
                let principal = world.principals.get(name)?;
                Some(match refers.form {
                    Form::Arn => principal.arn.clone(),
                    Form::Id => name.to_owned(),
                })
            }
            Referent::Key => {
                let key = world.keys.get(name)?;
                let foreign = self.account.is_some_and(|account| *account != key.account);
                Some(match refers.form {
                    Form::Id if !foreign => key.id.clone(),
                    Form::Id | Form::Arn => key.arn(self.region),
                })
            }
            Referent::Bucket => {
                world.buckets.get(name)?;
                Some(match refers.form {
                    Form::Arn => format!("arn:aws:s3:::{name}"),
                    Form::Id => name.to_owned(),
                })
            }
            Referent::Table => {
                let table = world.tables.get(name)?;
                Some(match refers.form {
                    Form::Arn => format!(
                        "arn:aws:dynamodb:{}:{}:table/{name}",
                        self.region, table.account
                    ),
                    Form::Id => name.to_owned(),
                })
            }
            Referent::Volume => world.volumes.get(name).map(|volume| volume.id.clone()),
            Referent::Region => None,
        }
    }

    fn resolve_there(&self, region: &str, refers: Refers, name: &str) -> Option<String> {
        let Ok(region) = RegionName::new(region) else {
            return self.resolve(refers, name);
        };
        let there = Asked {
            region: &region,
            ..*self
        };
        there.resolve(refers, name)
    }

    fn means(&self, refers: Refers, name: &str, answer: &str) -> bool {
        let world = self.world;
        match refers.to {
            Referent::Account => world
                .accounts
                .get(name)
                .is_some_and(|id| id.as_str() == answer),
            Referent::Principal => world.principals.get(name).is_some_and(|it| it.is(answer)),
            Referent::Key => world.keys.get(name).is_some_and(|key| key.is(answer)),
            Referent::Bucket => {
                world.buckets.contains_key(name) && answer == format!("arn:aws:s3:::{name}")
            }
            Referent::Table => {
                world.tables.contains_key(name) && answer.ends_with(&format!(":table/{name}"))
            }
            Referent::Volume => world.volumes.get(name).is_some_and(|it| it.id == answer),
            Referent::Region => false,
        }
    }
}
