//! What a test asks a Region that no client could.

use faultline_proto::driving::{Look, Plant, step};
use serde_json::Value;

use super::World;

impl World {
    /// Asks what only a simulator can see.
    ///
    /// # Panics
    /// When the Region is down or cannot answer: with its words.
    pub fn look(&mut self, region: &str, what: &str, arguments: &Value) -> Value {
        let look = Look {
            what: what.to_owned(),
            arguments: arguments.to_string(),
        };
        self.answer(region, step::Input::Look(look))
    }

    /// Puts content that AWS has no call for.
    ///
    /// # Panics
    /// When the Region is down or refuses: with its words.
    pub fn plant(&mut self, region: &str, what: &str, arguments: &Value) -> Value {
        let plant = Plant {
            what: what.to_owned(),
            arguments: arguments.to_string(),
        };
        self.answer(region, step::Input::Plant(plant))
    }

    fn answer(&mut self, region: &str, input: step::Input) -> Value {
        let reply = self.step(region, input).expect("the Region is up");
        let answer: Value = serde_json::from_str(&reply.look).expect("answers are JSON");
        assert!(answer.get("error").is_none(), "{region}: {answer}");
        answer
    }
}
