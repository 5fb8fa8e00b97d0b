"""Every name under which the app keeps something in Streamlit's session state.

Keys of plain widgets stand where the widget is made, unless another file reads them.
"""

from __future__ import annotations

# -- the visitor ----------------------------------------------------------------------------------
SESSION = "_facegen_session"
"""The `facegen.session.session.Session`."""
SESSIONS = "_facegen_sessions"
"""Latent space -> the session that was left when a network of another one was chosen."""
KEPT = "_facegen_kept"
"""What the browser kept, as it came at the start: `facegen.ui.components.keeper.Kept`."""
KEPT_PAGE = "_facegen_kept_page"
"""Whether the page one was on was gone back to."""
KEEP_NONCE = "_facegen_keep_nonce"
"""Names the question to the browser, and the record that this session writes there."""
LINK = "_facegen_link"
"""The query that was written to the address bar last."""
PAGE_QUERY = "_facegen_page_query"
"""What the address bar tells beside the person."""
NOTICE = "_facegen_notice"
"""What is to be said at the next run: kind and text."""
GO_TO = "_facegen_go_to"
"""Path of the page to show in the place of the one that is asked for."""
MODEL = "_facegen_model"
"""Name of the chosen network; None for the default one."""
MODEL_CHOICE = "model_choice"
"""Widget: the choice of the network."""

# -- the Design page ------------------------------------------------------------------------------
PRESSED = "_facegen_pressed"
"""Count of the newest press of a button or key that was answered."""
MET = "_facegen_met"
"""The seeds of the people met."""
FRAME_COUNT = "_facegen_frame_count"
"""Count of the pictures sent, and number of the newest request that was answered."""
SKETCHED = "_facegen_sketched"
"""Key of the latent of which a preview was shown first."""
NEAR = "_facegen_near"
"""Name of the dial that is focused or held: its reach is found."""
FACES_OPENED = "_facegen_faces_opened"
"""Count of the files opened; a new uploader for each, so that the same file opens again."""
PRESETS = "_facegen_presets"
"""Presets that the visitor made or opened."""
PRESETS_OPENED = "_facegen_presets_opened"

# -- the page "Explore" ---------------------------------------------------------------------------
EXPLORING = "_facegen_exploring"
"""The `facegen.ui.exploring.Exploring`."""
EXPLORED = "_facegen_explored"
"""Counts of the newest sentence, press and message that were answered."""

# -- the page "Your dials" ------------------------------------------------------------------------
GALLERY_SEEDS = "_facegen_gallery_seeds"
MARKS = "_facegen_marks"
"""Seed -> "has" or "not"."""
MARKS_COUNT = "_facegen_marks_count"
"""Count of the newest click that was answered."""
NEW_DIAL = "_facegen_new_dial"
"""The dial just made from examples, and the seconds that took."""
CANDIDATES = "_facegen_candidates"
"""Directions found in the network."""
IMPORTED_DIAL = "_facegen_imported_dial"
"""The dial just opened from a file."""
DIALS_OPENED = "_facegen_dials_opened"

# -- the page "Pose sweep" ------------------------------------------------------------------------
SWEEP = "_facegen_sweep"
"""The newest `facegen.service.sweep_job.SweepJob`."""
SWEEP_NAME = "_facegen_sweep_name"
"""Beginning of its files' names."""
SWEEP_GONE = "_facegen_sweep_gone"
"""Whether the sweep made before is gone with the server that made it."""
SWEEP_OPENED = "_facegen_sweep_opened"

# -- the page "Photo" -----------------------------------------------------------------------------
PHOTO = "_facegen_photo"
"""Id of the photo that is open, on the server's desk."""
PHOTO_GONE = "_facegen_photo_gone"
"""Whether the photo that was open is gone."""
PHOTO_SHOWN = "_facegen_photo_shown"
"""Widget: which view of it is shown."""
PHOTOS_OPENED = "_facegen_photos_opened"
"""Count of the photos opened; a new uploader for each."""
PHOTO_CAMERA = "_facegen_photo_camera"
"""Whether the camera is asked for."""

# -- the library ----------------------------------------------------------------------------------
LIBRARY_STEPS = "_facegen_library_steps"
"""The steps of this session that the library was asked about; see `facegen.ui.kept_people`."""
LIBRARY_NAMES = "_facegen_library_names"
"""Number of a subject -> the name that the library was told."""
LIBRARY_REMOVED = "_facegen_library_removed"
"""Number of the person that was just removed."""
