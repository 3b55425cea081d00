//! Values that are known now, or when their step runs.

use std::time::Duration;

use faultline_proto::names::RegionName;
use serde_json::Value;

use crate::scenario::quantity;
use crate::scenario::template::{Bindings, EvaluateError, Nameless, Template};

/// A value of a certain type, perhaps known only in a run.
#[derive(Debug, Clone)]
pub enum Later<T> {
    /// Known.
    Known(T),
    /// To be evaluated.
    Template(Template),
}

/// A type that a scenario's value can become.
pub trait FromValue: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// What it should have been.
    fn from_value(value: &Value) -> Result<Self, String>;
}

impl<T: FromValue + Clone> Later<T> {
    /// Takes a template; what is known already is read at once.
    ///
    /// # Errors
    /// What the known value should have been.
    pub fn new(template: Template) -> Result<Self, String> {
        match template.written() {
            Some(value) => T::from_value(&value).map(Self::Known),
            None => Ok(Self::Template(template)),
        }
    }

    /// The value in a run.
    ///
    /// # Errors
    /// A template without a value, or with one of another type.
    pub fn get(&self, bindings: &Bindings) -> Result<T, EvaluateError> {
        match self {
            Self::Known(value) => Ok(value.clone()),
            Self::Template(template) => {
                let value = template.evaluate(bindings, &Nameless)?;
                T::from_value(&value).map_err(|wanted| EvaluateError {
                    span: template.span,
                    message: format!("this must be {wanted}, and is {value}"),
                })
            }
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => Err("text".into()),
        }
    }
}
impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "`true` or `false`".into())
    }
}
impl FromValue for u64 {
    fn from_value(value: &Value) -> Result<Self, String> {
        value
            .as_u64()
            .ok_or_else(|| "a whole number, not negative".into())
    }
}
impl FromValue for Duration {
    fn from_value(value: &Value) -> Result<Self, String> {
        value
            .as_str()
            .and_then(quantity::duration)
            .ok_or_else(|| "a duration such as `15s`".into())
    }
}
impl FromValue for RegionName {
    fn from_value(value: &Value) -> Result<Self, String> {
        value
            .as_str()
            .and_then(|text| Self::new(text).ok())
            .ok_or_else(|| "a Region such as `eu-west-1`".into())
    }
}
impl FromValue for Vec<Value> {
    fn from_value(value: &Value) -> Result<Self, String> {
        value.as_array().cloned().ok_or_else(|| "a list".into())
    }
}
