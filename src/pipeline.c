/* pipeline.c: nothing but the proof that the map fits the territory: a stage whose prototype changes breaks this file. */
#include "pipeline.h"

_Static_assert(_Generic(((struct source_kind *)0)->verify, pipeline_verify * : 1, default : 0),
               "verify is as the map says");
_Static_assert(_Generic(((struct source_kind *)0)->split, pipeline_split * : 1, default : 0),
               "split is as the map says");
