//! Templates and expressions, checked and evaluated.
