"""What a take is, where takes come from, and which recordings can be used.

A corpus lists recordings with their labels. Each corpus is one module (or one
package, like `table`) that implements `interface.Corpus`. Reading samples belongs to `audio`, storing to `storage`.
"""
