// SPDX-License-Identifier: LGPL-2.1-or-later
// Nothing: the name of the library is what matters.
